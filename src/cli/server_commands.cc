#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>

#include "app/offline.h"
#include "app/server.h"
#include "base/errors.h"
#include "cli/command.h"

namespace sw::cli {
namespace {

void AddServe(Commands& commands) {
  CLI::App& serve =
      *commands.program().add_subcommand("serve", "Serves a data folder over HTTP until SIGTERM.");
  serve.footer("The first line it prints is its address. Exit codes: see seaworthy --help.");
  for (const app::SettingSpec& spec : app::SettingSpecs()) {
    if (spec.server || spec.name == "config") commands.AddSettingFlag(serve, spec.name);
  }
  commands.Run(serve, [](Session& session) -> Result<ExitCode> {
    SW_TRY(app::RunServer(session.settings(), [](const char* name) -> const char* { return std::getenv(name); }));
    return ExitCode::kOk;
  });
}

void PrintFindings(const Json& report) {
  const Json* findings = report.Find("findings");
  for (const Json& finding : findings->AsArray()) {
    std::printf("\n%s: %s: %s\n  %s\n", finding.StringOr("severity", "").c_str(),
                finding.StringOr("subject", "").c_str(), finding.StringOr("message", "").c_str(),
                finding.StringOr("advice", "").c_str());
  }
  if (findings->size() == 0) std::printf("\nnothing wrong was found\n");
}

void AddDoctor(Commands& commands) {
  CLI::App& doctor =
      commands.Add(commands.program(), "doctor",
                   "Explains the configuration, and finds what is wrong with a data folder.");
  auto quick = Flag(doctor, "--quick", "do not read every byte on disk");
  commands.Run(doctor, [quick](Session& session) -> Result<ExitCode> {
    const Json report = session.settings().IsSet("server")
                            ? SW_TRY(session.Get(*quick ? "/seaworthy/v1/doctor"
                                                        : "/seaworthy/v1/doctor?verify=true"))
                            : app::DoctorReport(session.settings(), !*quick);
    if (session.json()) {
      session.PrintObject(report);
    } else {
      if (const Json* facts = report.Find("facts")) session.PrintObject(*facts);
      std::fputs("\n", stdout);
      session.PrintRows(report, "settings",
                        {{"name", "SETTING"}, {"value", "VALUE"}, {"origin", "FROM"}});
      PrintFindings(report);
    }
    return report.Find("findings")->size() == 0 ? ExitCode::kOk : ExitCode::kFoundProblems;
  });
}

void AddClock(Commands& commands) {
  CLI::App& clock =
      commands.Add(commands.program(), "clock", "Shows the server's time; moves a manual clock.");
  auto to = TextOption(clock, "--to", "move it to this time (RFC 3339) and do what is due by then");
  commands.Run(clock, [to](Session& session) -> Result<ExitCode> {
    session.PrintObject(to->empty() ? SW_TRY(session.Get("/seaworthy/v1/clock"))
                                    : SW_TRY(session.Post("/seaworthy/v1/clock",
                                                          Json::MakeObject({{"now", *to}}))));
    return ExitCode::kOk;
  });
}

void AddJobs(Commands& commands) {
  CLI::App& jobs = commands.Add(commands.program(), "jobs", "Jobs of a server since it started.");
  commands.Run(jobs, [](Session& session) -> Result<ExitCode> {
    session.PrintRows(SW_TRY(session.Get("/seaworthy/v1/jobs")), "jobs",
                      {{"id", "ID"},
                       {"kind", "KIND"},
                       {"state", "STATE"},
                       {"progress", "PROGRESS"},
                       {"started", "STARTED"}});
    return ExitCode::kOk;
  });
}

// How train runs LightGBM: a process of its own. Not for people.
void AddTrainWorker(Commands& commands) {
  CLI::App& worker = *commands.program().add_subcommand("train-worker", "");
  worker.group("");
  commands.Run(worker, [](Session&) -> Result<ExitCode> {
    return static_cast<ExitCode>(app::TrainWorker(STDIN_FILENO, STDOUT_FILENO));
  });
}

}  // namespace

void AddServerCommands(Commands& commands) {
  AddServe(commands);
  AddDoctor(commands);
  AddClock(commands);
  AddJobs(commands);
  AddTrainWorker(commands);
}

}  // namespace sw::cli
