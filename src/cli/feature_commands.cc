#include <CLI/CLI.hpp>
#include <cstdio>

#include "base/errors.h"
#include "base/files.h"
#include "cli/command.h"
#include "cli/rows_input.h"

namespace sw::cli {
namespace {

std::string SourcePath(const std::string& source, const char* what) {
  return fmt::format("/seaworthy/v1/sources/{}/{}", app::Encoded(source), what);
}

// Text has no least and no greatest value.
Json WithoutTextRanges(Json profile) {
  for (Json& column : profile["columns"].AsArray()) {
    if (column.StringOr("type", "") != "string") continue;
    column.Set("min", Json());
    column.Set("max", Json());
  }
  return profile;
}

// One line a feature, with what its value is of: of the first row.
void PrintStates(const Json& answer) {
  Json lines = Json::MakeArray();
  const Json& states = answer.Find("states")->AsArray().front();
  for (const auto& [name, value] : answer.Find("features")->AsArray().front().AsObject()) {
    Json line = Json::MakeObject({{"feature", name}, {"value", value}});
    if (const Json* state = states.Find(name)) {
      for (const char* key : {"status", "event_time"}) line.Set(key, *state->Find(key));
    }
    lines.Append(std::move(line));
  }
  std::printf("as of %s\n%s", answer.StringOr("time", "").c_str(),
              TableText(lines.AsArray(), {{"feature", "FEATURE"}, {"value", "VALUE"}, {"status", "STATUS"}, {"event_time", "EVENT TIME"}}).c_str());
}

// One line a feature, the rows beside one another.
void PrintFeatures(const Json& answer) {
  const Json::Array& rows = answer.Find("features")->AsArray();
  Json lines = Json::MakeArray();
  std::vector<std::string> keys, headings = {"VALUE"};
  for (std::size_t i = 0; i < rows.size(); ++i) keys.push_back(fmt::format("{}", i));
  for (std::size_t i = 1; i < rows.size(); ++i) headings.push_back(fmt::format("VALUE {}", i + 1));
  for (const auto& [name, value] : rows.front().AsObject()) {
    Json line = Json::MakeObject({{"feature", name}});
    for (std::size_t i = 0; i < rows.size(); ++i)
      if (const Json* found = rows[i].Find(name)) line.Set(keys[i], *found);
    lines.Append(std::move(line));
  }
  std::vector<TableColumn> columns = {{"feature", "FEATURE"}};
  for (std::size_t i = 0; i < rows.size(); ++i) columns.push_back({keys[i], headings[i]});
  std::printf("as of %s\n%s", answer.StringOr("time", "").c_str(),
              TableText(lines.AsArray(), columns).c_str());
}

void AddSources(Commands& commands, CLI::App& features) {
  CLI::App& list = commands.Add(features, "sources", "Sources and how many rows each has.");
  commands.Run(list, [](Session& session) -> Result<ExitCode> {
    session.PrintRows(
        SW_TRY(session.Get("/seaworthy/v1/sources")), "sources",
        {{"name", "SOURCE"}, {"rows", "ROWS"}, {"static", "STATIC"}, {"table", "TABLE"}});
    return ExitCode::kOk;
  });
  CLI::App& load = commands.Add(features, "load",
                                "Loads a source's own table, as far as it was known by a moment.");
  auto source = TextOption(load, "source", "the source", true);
  auto until = TextOption(load, "--until", "the moment (RFC 3339); now when not given");
  commands.Run(load, [=](Session& session) -> Result<ExitCode> {
    Json body = Json::MakeObject();
    SetText(body, "until", *until);
    session.PrintObject(SW_TRY(session.RunJob(SourcePath(*source, "load"), body)));
    return ExitCode::kOk;
  });
  CLI::App& push =
      commands.Add(features, "push", "Pushes the rows of a table on this machine to a source.");
  auto to = TextOption(push, "source", "the source", true);
  auto file = TextOption(push, "table", "a .csv, .parquet, .jsonl or .arrow file", true);
  commands.Run(push, [=](Session& session) -> Result<ExitCode> {
    session.PrintObject(SW_TRY(session.PushTable(*to, *file)));
    return ExitCode::kOk;
  });
  CLI::App& rows =
      commands.Add(features, "rows", "The first derived rows of a source, in order of time.");
  auto of = TextOption(rows, "source", "the source", true);
  auto rows_max = TextOption(rows, "--rows-max", "how many; 100 when not given");
  commands.Run(rows, [=](Session& session) -> Result<ExitCode> {
    session.PrintObject(
        SW_TRY(session.Get(app::Target(SourcePath(*of, "rows"), {{"rows_max", *rows_max}}))));
    return ExitCode::kOk;
  });
  CLI::App& profile =
      commands.Add(features, "profile", "Reads a source's table and profiles its columns.");
  auto table = TextOption(profile, "source", "the source", true);
  commands.Run(profile, [=](Session& session) -> Result<ExitCode> {
    const Json answer = SW_TRY(session.RunJob(SourcePath(*table, "profile"), Json::MakeObject()));
    session.PrintRows(session.json() ? answer : WithoutTextRanges(answer), "columns",
                      {{"name", "COLUMN"},
                       {"type", "TYPE"},
                       {"rows", "ROWS"},
                       {"nulls", "NULLS"},
                       {"distinct", "DISTINCT"},
                       {"min", "MIN"},
                       {"max", "MAX"},
                       {"findings", "FINDINGS"}});
    return ExitCode::kOk;
  });
}

void AddServices(Commands& commands, CLI::App& features) {
  CLI::App& services =
      commands.Add(features, "services", "Feature services and the hash of what defines them.");
  commands.Run(services, [](Session& session) -> Result<ExitCode> {
    session.PrintRows(SW_TRY(session.Get("/seaworthy/v1/services")), "services",
                      {{"name", "SERVICE"}, {"hash", "HASH"}});
    return ExitCode::kOk;
  });
  CLI::App& read = commands.Add(features, "get", "The online features of some rows.");
  read.alias("read");
  auto service = TextOption(read, "service", "the feature service", true);
  auto rows = AddRowsInput(read);
  auto time = TextOption(read, "--time", "as of this moment (RFC 3339); now when not given");
  auto with_states = std::make_shared<bool>(false);
  read.add_flag("--states", *with_states, "with the status of each value (present, null, not_found, outside_ttl) and its event time; one row, or with --json");
  commands.Run(read, [=](Session& session) -> Result<ExitCode> {
    Json body = Json::MakeObject({{"rows", SW_TRY(rows->Read())}});
    SetText(body, "time", *time);
    if (*with_states) body.Set("states", true);
    const Json answer = SW_TRY(
        session.Post(fmt::format("/seaworthy/v1/services/{}/read", app::Encoded(*service)), body));
    const Json* const states = answer.Find("states");
    if (session.json()) {
      session.PrintObject(answer);
    } else if (states != nullptr && states->size() == 1) {
      PrintStates(answer);
    } else {
      PrintFeatures(answer);
    }
    return ExitCode::kOk;
  });
  CLI::App& rebuild =
      commands.Add(features, "rebuild", "Rebuilds the online store from the logbook.");
  commands.Run(rebuild, [](Session& session) -> Result<ExitCode> {
    session.PrintObject(
        SW_TRY(session.RunJob("/seaworthy/v1/features/rebuild", Json::MakeObject())));
    return ExitCode::kOk;
  });
}

constexpr char kHistoryExamples[] = R"(Examples:
  seaworthy features history --config seaworthy.toml --service late_v1 --labels labels.csv --out train.parquet
  seaworthy features history --config seaworthy.toml --tables data --service late_v1 --labels labels.parquet
                             --moment decided_at --out train.csv

The output has the labels' columns, then the features, a row a label, in the labels' order; no label is dropped.
A feature is what the online store would have answered at the label's moment: rows count from when they were known.
Exit codes: see seaworthy --help.)";

void AddHistory(Commands& commands, CLI::App& features) {
  CLI::App& history = commands.Add(features, "history",
                                   "The features of past moments, from tables, without a server.");
  history.footer(kHistoryExamples);
  auto service = TextOption(history, "--service", "the feature service", true);
  auto labels = TextOption(history, "--labels",
                           "a .csv, .parquet, .jsonl or .arrow file with the keys and moments", true);
  auto out = TextOption(history, "--out", "where rows go: .parquet, .csv, .arrow or .feather", true);
  auto moment = TextOption(history, "--moment", "the labels' column of times; their only one when not given");
  auto now = Flag(history, "--as-known-now",
                  "rows count from their event on, though they became known later: this leaks");
  commands.Run(history, [=](Session& session) -> Result<ExitCode> {
    const Json done = SW_TRY(session.HistoryToFile({*service, *labels, *out, *moment, *now}));
    for (const Json& warning : done.Find("warnings")->AsArray()) {
      std::fprintf(stderr, "warning: %s\n", warning.AsString().c_str());
    }
    session.PrintObject(done);
    return ExitCode::kOk;
  });
}

void AddLog(Commands& commands) {
  CLI::App& log = commands.AddGroup("log", "The logbook: what happened.");
  log.require_subcommand(1);
  CLI::App& streams = commands.Add(log, "streams", "Streams and how many rows each has.");
  commands.Run(streams, [](Session& session) -> Result<ExitCode> {
    session.PrintRows(
        SW_TRY(session.Get("/seaworthy/v1/streams")), "streams",
        {{"name", "STREAM"}, {"rows", "ROWS"}, {"segments", "SEGMENTS"}, {"bytes", "BYTES"}});
    return ExitCode::kOk;
  });
  CLI::App& read = commands.Add(log, "read", "Rows of a stream, as JSON lines.");
  auto stream = TextOption(read, "stream", "the stream, such as predictions/late", true);
  auto from = TextOption(read, "--from", "the first offset");
  auto rows_max = TextOption(read, "--rows-max", "how many; 100 when not given");
  commands.Run(read, [=](Session& session) -> Result<ExitCode> {
    const Json answer = SW_TRY(session.Get(app::Target(
        "/seaworthy/v1/streams/" + *stream, {{"from", *from}, {"rows_max", *rows_max}})));
    if (session.json())
      session.PrintObject(answer);
    else
      for (const Json& row : answer.Find("rows")->AsArray())
        std::printf("%s\n", row.Dump().c_str());
    return ExitCode::kOk;
  });
}

}  // namespace

constexpr const char* kAuditHelp = R"(
  seaworthy features audit late                              what was served until now
  seaworthy features audit late --from 2026-11-01            since then
  seaworthy features audit late --nightly                    the audits that each night makes by itself

Every served value is computed again from the rows of the logbook alone: from those that its read had, which must give
the same bits (else the exit code is 10, and at night a page opens), and from those that there are now, where a
difference is a row that came late. Rows that were not logged, or were read by another definition, are never called equal.
)";

void PrintAudit(Session& session, const Json& report) {
  if (session.json()) return session.PrintObject(report);
  fmt::print("{} of {} served rows audited ({:.2f} %); {} by another definition, {} whose read is not in the log\n",
             report.IntOr("audited", 0), report.IntOr("served", 0), 100 * report.DoubleOr("coverage", 0),
             report.IntOr("of_other_definition", 0), report.IntOr("of_unknown_read", 0));
  fmt::print("{} values compared, {} different\n", report.IntOr("compared", 0), report.IntOr("different", 0));
  const Json* const examples = report.Find("examples");
  for (std::size_t i = 0; examples != nullptr && i < examples->size(); ++i) fmt::print("  {}\n", examples->AsArray()[i].AsString());
  session.PrintRows(report, "changed_by_late_rows", {{"feature", "CHANGED BY LATE ROWS"}, {"changed", "VALUES"}, {"compared", "OF"}, {"share", "SHARE"}});
}

void AddAudit(Commands& commands, CLI::App& features) {
  CLI::App& audit = commands.Add(features, "audit", "Recomputes the features that an endpoint served, and compares the bits.");
  audit.footer(kAuditHelp);
  auto endpoint = TextOption(audit, "endpoint", "the endpoint", true);
  auto from = TextOption(audit, "--from", "served from here on (RFC 3339)");
  auto until = TextOption(audit, "--until", "and before this; now when not given");
  auto nightly = std::make_shared<bool>(false);
  audit.add_flag("--nightly", *nightly, "list the audits that were made each night, and make none");
  commands.Run(audit, [=](Session& session) -> Result<ExitCode> {
    const std::string path = "/seaworthy/v1/endpoints/" + app::Encoded(*endpoint);
    if (*nightly) {
      session.PrintRows(SW_TRY(session.Get(path + "/audits")), "audits",
                        {{"time", "TIME"}, {"served", "SERVED"}, {"coverage", "COVERAGE"}, {"compared", "COMPARED"}, {"different", "DIFFERENT"}});
      return ExitCode::kOk;
    }
    Json body = Json::MakeObject();
    SetText(body, "from", *from);
    SetText(body, "until", *until);
    const Json report = SW_TRY(session.RunJob(path + "/audit", body));
    PrintAudit(session, report);
    return report.IntOr("different", 1) == 0 ? ExitCode::kOk : ExitCode::kVerdictFail;
  });
}

void AddFeatureCommands(Commands& commands) {
  CLI::App& features =
      commands.AddGroup("features", "Sources, feature services, and their values.");
  features.require_subcommand(1);
  AddSources(commands, features);
  AddServices(commands, features);
  AddHistory(commands, features);
  AddAudit(commands, features);
  AddLog(commands);
}

}  // namespace sw::cli
