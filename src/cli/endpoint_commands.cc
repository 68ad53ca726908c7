#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>

#include "base/errors.h"
#include "base/files.h"
#include "cli/command.h"
#include "cli/rows_input.h"

namespace sw::cli {
namespace {

std::string EndpointPath(const std::string& endpoint, std::string_view what) {
  return fmt::format("/seaworthy/v1/endpoints/{}/{}", app::Encoded(endpoint), what);
}

void AddRolloutStart(Commands& commands, CLI::App& rollout) {
  CLI::App& start =
      commands.Add(rollout, "start", "Begins to move an endpoint to a version, step by step.");
  auto endpoint = TextOption(start, "endpoint", "the endpoint", true);
  auto version = TextOption(start, "version", "a number", true);
  auto plan = TextOption(start, "--plan", "the plan; the endpoint's own when not given");
  auto steps =
      ListOption(start, "--step", "in place of the plan's: shadow, canary, live. May repeat");
  auto share = TextOption(start, "--canary-share", "in place of the plan's");
  commands.Run(start, [=](Session& session) -> Result<ExitCode> {
    Json body = Json::MakeObject();
    SW_TRY(SetNumber(body, "version", *version));
    SetText(body, "plan", *plan);
    if (!steps->empty()) body.Set("steps", Json::FromRange(*steps));
    SW_TRY(SetNumber(body, "canary_share", *share));
    session.PrintObject(SW_TRY(session.Post(EndpointPath(*endpoint, "rollout"), body)));
    return ExitCode::kOk;
  });
  CLI::App& live = commands.Add(rollout, "live", "Makes a version that may serve live at once.");
  auto where = TextOption(live, "endpoint", "the endpoint", true);
  auto which = TextOption(live, "version", "a number", true);
  commands.Run(live, [=](Session& session) -> Result<ExitCode> {
    Json body = Json::MakeObject();
    SW_TRY(SetNumber(body, "version", *which));
    session.PrintObject(SW_TRY(session.Post(EndpointPath(*where, "live"), body)));
    return ExitCode::kOk;
  });
}

void AddSteer(Commands& commands, CLI::App& rollout, const char* name, const char* action,
              const char* help) {
  CLI::App& steer = commands.Add(rollout, name, help);
  auto endpoint = TextOption(steer, "endpoint", "the endpoint", true);
  auto reason = TextOption(steer, "--reason", "why; it is kept", true);
  commands.Run(steer, [=, action = std::string(action)](Session& session) -> Result<ExitCode> {
    const Json body = Json::MakeObject({{"action", action}, {"reason", *reason}});
    session.PrintObject(SW_TRY(session.Post(EndpointPath(*endpoint, "rollout/steer"), body)));
    return ExitCode::kOk;
  });
}

// The plan's word for the step that each rollout is at.
Json WithStepNames(Json answer) {
  for (Json& each : answer["rollouts"].AsArray()) {
    const Json* rollout = each.Find("rollout");
    if (rollout == nullptr || !rollout->IsObject()) continue;
    const Json::Array& steps = rollout->Find("plan")->Find("steps")->AsArray();
    const auto at = static_cast<std::size_t>(rollout->Find("state")->IntOr("step", 0));
    if (at < steps.size()) each.Set("step", steps[at]);
  }
  return answer;
}

void AddRollout(Commands& commands) {
  CLI::App& rollout =
      commands.AddGroup("rollout", "Moving an endpoint from one version to another.");
  rollout.require_subcommand(1);
  AddRolloutStart(commands, rollout);
  CLI::App& status = commands.Add(rollout, "status", "Rollouts and their evidence.");
  auto endpoint = TextOption(status, "endpoint", "only of this endpoint");
  commands.Run(status, [=](Session& session) -> Result<ExitCode> {
    const Json answer =
        SW_TRY(session.Get(app::Target("/seaworthy/v1/rollouts", {{"endpoint", *endpoint}})));
    session.PrintRows(session.json() ? answer : WithStepNames(answer), "rollouts",
                      {{"endpoint", "ENDPOINT"},
                       {"live", "LIVE"},
                       {"rollout.candidate", "CANDIDATE"},
                       {"step", "STEP"},
                       {"rollout.state.phase", "PHASE"},
                       {"rollout.state.since", "SINCE"},
                       {"rollout.judgement.summary", "LAST JUDGEMENT"}});
    return ExitCode::kOk;
  });
  AddSteer(commands, rollout, "advance", "advance",
           "Your word: to the next step, whatever the evidence.");
  AddSteer(commands, rollout, "back", "roll_back",
           "Your word: back to the version before. The candidate counts as refused from then on; to "
           "roll it out again, record an override (models override).");
}

constexpr const char* kPredictExamples = R"(Examples:
  seaworthy predict --model model.txt --in rows.parquet --out scores.csv
  seaworthy predict --model late@champion --data DATA --in rows.csv --out scores.parquet --raw
  seaworthy predict late origin=EWR hour=7 --server http://127.0.0.1:8420

The output of --model holds the column prediction (prediction_0, prediction_1, ... of several
outputs), with --contributions also contribution_COLUMN and contribution_bias.
Exit codes: see seaworthy --help.)";

// Options of scoring a file; all empty when an endpoint scores.
struct FileOptions {
  std::shared_ptr<std::string> model, in, out;
  std::shared_ptr<bool> raw, contributions;

  explicit FileOptions(CLI::App& command)
      : model(TextOption(command, "--model",
                         "a model file, a package folder, or with --data a registered model: NAME, NAME@ALIAS or "
                         "NAME:VERSION")),
        in(TextOption(command, "--in", "rows to score: .parquet, .csv, .jsonl, .arrow or .feather; columns by name")),
        out(TextOption(command, "--out", "where scores go, in the rows' order: .parquet, .csv, .arrow or .feather")),
        raw(Flag(command, "--raw", "raw scores (margins) in place of predictions")),
        contributions(Flag(command, "--contributions", "also what each column adds to the raw score (exact SHAP)")) {}

  bool any() const { return !model->empty() || !in->empty() || !out->empty() || *raw || *contributions; }

  Result<app::PredictFileRequest> Request() const {
    if (model->empty() || in->empty() || out->empty()) {
      return InvalidArgument("to score a file give all of --model, --in and --out; to score rows by an endpoint none");
    }
    return app::PredictFileRequest{*model, *in, *out, *raw, *contributions};
  }
};

Result<ExitCode> PredictByEndpoint(Session& session, const std::string& endpoint, Json body) {
  session.PrintRows(SW_TRY(session.Post(EndpointPath(endpoint, "predict"), body)), "predictions",
                    {{"id", "ID"},
                     {"score", "SCORE"},
                     {"decision", "DECISION"},
                     {"version", "VERSION"},
                     {"arm", "ARM"},
                     {"violations", "VIOLATIONS"}});
  return ExitCode::kOk;
}

void AddPredict(Commands& commands) {
  CLI::App& predict = commands.Add(commands.program(), "predict",
                                   "Scores a file by a model (--model), or rows by an endpoint.");
  predict.footer(kPredictExamples);
  auto endpoint = TextOption(predict, "endpoint", "the endpoint; none with --model");
  auto rows = AddRowsInput(predict);
  auto ids = ListOption(predict, "--id", "your own prediction id, one a row; may repeat");
  auto version = TextOption(predict, "--version-number", "this version, whatever its arm");
  const FileOptions file(predict);
  commands.Run(predict, [=](Session& session) -> Result<ExitCode> {
    if (file.any()) {
      if (!endpoint->empty()) return InvalidArgument("give an endpoint ({}) or --model, not both", *endpoint);
      session.PrintObject(SW_TRY(session.PredictFile(SW_TRY(file.Request()))));
      return ExitCode::kOk;
    }
    if (endpoint->empty()) return InvalidArgument("name an endpoint, or give --model, --in and --out to score a file");
    Json body = Json::MakeObject({{"rows", SW_TRY(rows->Read())}});
    if (!ids->empty()) body.Set("ids", Json::FromRange(*ids));
    SW_TRY(SetNumber(body, "version", *version));
    return PredictByEndpoint(session, *endpoint, std::move(body));
  });
}

void AddLabel(Commands& commands) {
  CLI::App& label =
      commands.Add(commands.program(), "label", "Tells the truth about predictions, by their ids.");
  auto of = TextOption(label, "endpoint", "the endpoint", true);
  auto truth = AddRowsInput(label);
  commands.Run(label, [=](Session& session) -> Result<ExitCode> {
    const Json answer = SW_TRY(session.Post(EndpointPath(*of, "labels"),
                                            Json::MakeObject({{"labels", SW_TRY(truth->Read())}})));
    session.PrintObject(answer);
    return answer.IntOr("unknown_count", 0) == 0 ? ExitCode::kOk : ExitCode::kNotFound;
  });
}

void AddEndpoints(Commands& commands) {
  CLI::App& endpoints =
      commands.AddGroup("endpoints", "Endpoints: their arms, and what they served.");
  endpoints.require_subcommand(1);
  CLI::App& list = commands.Add(endpoints, "list", "Endpoints with their arms.");
  commands.Run(list, [](Session& session) -> Result<ExitCode> {
    session.PrintRows(SW_TRY(session.Get("/seaworthy/v1/endpoints")), "endpoints",
                      {{"endpoint", "ENDPOINT"},
                       {"model", "MODEL"},
                       {"live", "LIVE"},
                       {"service", "SERVICE"},
                       {"arms", "ARMS"}});
    return ExitCode::kOk;
  });
  CLI::App& replay =
      commands.Add(endpoints, "replay", "Scores what was served with another version.");
  auto replayed = TextOption(replay, "endpoint", "the endpoint", true);
  auto version = TextOption(replay, "version", "a number", true);
  auto begin = TextOption(replay, "--from", "served from here on (RFC 3339)");
  auto end = TextOption(replay, "--until", "and before this; now when not given");
  commands.Run(replay, [=](Session& session) -> Result<ExitCode> {
    Json body = Json::MakeObject();
    SW_TRY(SetNumber(body, "version", *version));
    SetText(body, "from", *begin);
    SetText(body, "until", *end);
    session.PrintObject(SW_TRY(session.RunJob(EndpointPath(*replayed, "replay"), body)));
    return ExitCode::kOk;
  });
}

// "0.1871 over 304 labelled"
std::string RealisedLoss(const Json& monitor) {
  double sum = 0;
  std::int64_t labelled = 0;
  for (const Json& block : monitor.Find("blocks")->AsArray()) {
    const std::int64_t count = block.IntOr("labelled", 0);
    if (count > 0) sum += block.DoubleOr("loss", 0) * static_cast<double>(count);
    labelled += count;
  }
  if (labelled == 0) return "nothing, as nothing is labelled yet";
  return fmt::format("{:.4f} over {} labelled", sum / static_cast<double>(labelled), labelled);
}

// A line an event, written at once: who reads it may be a program.
Status FollowTimeline(Session& session, const std::string& endpoint) {
  const std::string target = app::Target("/seaworthy/v1/events", {{"endpoint", endpoint}});
  const auto print = [&session](const Json& event) {
    std::string line = event.Dump();
    if (!session.json()) {
      line.clear();
      for (const std::string_view key : {"time", "kind", "endpoint", "subject", "summary"}) {
        const std::string part = event.StringOr(key, "");
        if (!part.empty()) line.append(line.empty() ? "" : "  ").append(part);
      }
    }
    std::ranges::replace(line, '\n', ' ');
    std::puts(line.c_str());
    return std::fflush(stdout) == 0;  // false: nobody reads it any more
  };
  return SW_TRY(session.client())->Follow(target, print, [](const Error& why) {
    std::fprintf(stderr, "seaworthy: %s; trying again\n", why.message.c_str());
  });
}

void AddMonitor(Commands& commands) {
  CLI::App& monitor = commands.Add(commands.program(), "monitor",
                                   "Realised loss of an endpoint by day, beside its reference.");
  auto endpoint = TextOption(monitor, "endpoint", "the endpoint", true);
  commands.Run(monitor, [=](Session& session) -> Result<ExitCode> {
    const Json answer = SW_TRY(session.Get(EndpointPath(*endpoint, "monitor")));
    if (session.json()) {
      session.PrintObject(answer);
      return ExitCode::kOk;
    }
    for (const Json& one : answer.Find("monitors")->AsArray()) {
      std::printf(
          "monitor %s: reference loss %.6g of version %lld, tolerance %.6g; realised %s; %s\n",
          one.StringOr("monitor", "").c_str(), one.DoubleOr("reference_loss", 0),
          static_cast<long long>(one.IntOr("reference_version", 0)), one.DoubleOr("tolerance", 0),
          RealisedLoss(one).c_str(), one.BoolOr("open_page", false) ? "paging" : "not paging");
      session.PrintRows(one, "blocks",
                        {{"from", "FROM"},
                         {"predictions", "PREDICTIONS"},
                         {"labelled", "LABELLED"},
                         {"censored", "CENSORED"},
                         {"loss", "LOSS"}});
    }
    return ExitCode::kOk;
  });
  CLI::App& incidents =
      commands.Add(commands.program(), "incidents", "Incidents with their causes, newest first.");
  auto of = TextOption(incidents, "--endpoint", "only of this one");
  auto state = TextOption(incidents, "--state", "open or closed");
  commands.Run(incidents, [=](Session& session) -> Result<ExitCode> {
    session.PrintRows(SW_TRY(session.Get(app::Target("/seaworthy/v1/incidents",
                                                     {{"endpoint", *of}, {"state", *state}}))),
                      "incidents",
                      {{"id", "ID"},
                       {"state", "STATE"},
                       {"severity", "SEVERITY"},
                       {"endpoint", "ENDPOINT"},
                       {"opened_at", "OPENED"},
                       {"exposed", "EXPOSED"},
                       {"harm", "HARM"},
                       {"summary", "SUMMARY"}});
    return ExitCode::kOk;
  });
}

void AddTimeline(Commands& commands) {
  CLI::App& timeline = commands.Add(commands.program(), "timeline",
                                    "What was trained, judged, rolled out and noticed.");
  auto from = TextOption(timeline, "--from", "from here on (RFC 3339)");
  auto until = TextOption(timeline, "--until", "and before this");
  auto of = TextOption(timeline, "--endpoint", "only what happened to this one");
  auto follow = Flag(timeline, "--follow", "what happens from now on, a line each, until interrupted; needs --server");
  commands.Run(timeline, [=](Session& session) -> Result<ExitCode> {
    if (*follow && (!from->empty() || !until->empty())) {
      return InvalidArgument("--follow begins now: --from and --until are for what happened before");
    }
    if (*follow) {
      SW_TRY(FollowTimeline(session, *of));
      return ExitCode::kOk;
    }
    session.PrintRows(
        SW_TRY(session.Get(app::Target("/seaworthy/v1/timeline",
                                       {{"endpoint", *of}, {"from", *from}, {"until", *until}}))),
        "events",
        {{"time", "TIME"}, {"kind", "KIND"}, {"endpoint", "ENDPOINT"}, {"subject", "SUBJECT"}, {"summary", "SUMMARY"}});
    return ExitCode::kOk;
  });
}

}  // namespace

void AddEndpointCommands(Commands& commands) {
  AddEndpoints(commands);
  AddRollout(commands);
  AddPredict(commands);
  AddLabel(commands);
  AddMonitor(commands);
  AddTimeline(commands);
}

}  // namespace sw::cli
