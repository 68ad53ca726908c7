#include <CLI/CLI.hpp>
#include <cstdio>

#include "app/register_model.h"
#include "base/errors.h"
#include "cli/command.h"
#include "cli/engine_text.h"
#include "cli/table.h"

namespace sw::cli {
namespace {

std::string ModelPath(const std::string& model, std::string_view rest) {
  return fmt::format("/seaworthy/v1/models/{}/{}", app::Encoded(model), rest);
}

std::string VersionPath(const std::string& model, const std::string& version,
                        std::string_view rest = "") {
  return ModelPath(model, fmt::format("versions/{}{}", app::Encoded(version), rest));
}

ExitCode ExitCodeOfVerdict(const Json& verdict) {
  const std::string result = verdict.StringOr("result", "");
  return result == "pass"   ? ExitCode::kOk
         : result == "fail" ? ExitCode::kVerdictFail
                            : ExitCode::kUndecided;
}

// Options that train and the building of a training set share.
struct RowsOptions {
  std::shared_ptr<std::string> recipe, from, until, held_out;
  std::shared_ptr<bool> naive;
  std::shared_ptr<std::vector<std::string>> extra;

  explicit RowsOptions(CLI::App& command)
      : recipe(TextOption(command, "recipe", "the recipe", true)),
        from(TextOption(command, "--from", "moments from here on (RFC 3339)")),
        until(TextOption(command, "--until",
                         "moments before this, labelled by then; now when not given")),
        held_out(TextOption(command, "--held-out",
                            "the last part, such as 10d, that is not trained on but reported on")),
        naive(Flag(command, "--naive",
                   "ignore when rows became known: shows what a leak would be worth")),
        extra(ListOption(command, "--extra",
                         "one more column, NAME=EXPRESSION over the source's rows; may repeat")) {}

  Result<Json> Body() const {
    Json body = Json::MakeObject({{"recipe", *recipe}});
    SetText(body, "from", *from);
    SetText(body, "until", *until);
    SetText(body, "held_out", *held_out);
    if (*naive) body.Set("naive", true);
    for (const std::string& word : *extra) {
      const std::size_t equals = word.find('=');
      if (equals == std::string::npos)
        return InvalidArgument("--extra: expected NAME=EXPRESSION, found {}", word);
      body["extra"].Set(word.substr(0, equals), word.substr(equals + 1));
    }
    return body;
  }
};

// What a person wants to know of a training; the whole report comes with --json.
void PrintTrained(const Json& trained) {
  Json shown = Json::MakeObject();
  for (const char* key : {"package_id", "run_id", "version", "rows", "held_out_rows"}) {
    if (const Json* value = trained.Find(key)) shown.Set(key, *value);
  }
  const Json* report = trained.Find("report");
  for (const char* metric : {"auc", "brier", "log_loss", "cost", "accuracy"}) {
    const Json* found = report == nullptr ? nullptr : report->Find(metric);
    if (found == nullptr || !found->IsObject()) continue;
    shown.Set(metric, fmt::format("{:.4f} [{:.4f}, {:.4f}]", found->DoubleOr("value", 0),
                                  found->DoubleOr("low", 0), found->DoubleOr("high", 0)));
  }
  std::fputs(ObjectText(shown).c_str(), stdout);
}

void AddTrain(Commands& commands) {
  CLI::App& train = commands.Add(commands.program(), "train",
                                 "Trains a model by a recipe, and makes a package of it.");
  const RowsOptions rows(train);
  auto table = TextOption(train, "--table",
                          "train on this file in the tables folder in place of the training set");
  auto label = TextOption(train, "--label", "the label's column in --table");
  auto seed = TextOption(train, "--seed", "for what is random; 0 when not given");
  auto model = TextOption(train, "--register", "register the package as this model's next version");
  commands.Run(train, [=](Session& session) -> Result<ExitCode> {
    Json body = SW_TRY(rows.Body());
    SetText(body, "table", *table);
    SetText(body, "label", *label);
    SW_TRY(SetNumber(body, "seed", *seed));
    Json trained = SW_TRY(session.RunJob("/seaworthy/v1/train", body));
    if (!model->empty()) {
      const Json package = Json::MakeObject({{"package_id", trained.StringOr("package_id", "")},
                                             {"run_id", trained.StringOr("run_id", "")}});
      trained.Set("version",
                  SW_TRY(session.Post(ModelPath(*model, "versions"), package)).IntOr("version", 0));
    }
    if (session.json())
      session.PrintObject(trained);
    else
      PrintTrained(trained);
    return ExitCode::kOk;
  });
  CLI::App& build = commands.Add(commands.program(), "training-set",
                                 "Builds a recipe's training set by point-in-time join.");
  const RowsOptions built(build);
  auto out = TextOption(build, "--out", "write it here in the tables folder, as Parquet");
  commands.Run(build, [=](Session& session) -> Result<ExitCode> {
    Json body = SW_TRY(built.Body());
    SetText(body, "out", *out);
    session.PrintObject(SW_TRY(session.RunJob("/seaworthy/v1/training-sets", body)));
    return ExitCode::kOk;
  });
}

void AddEval(Commands& commands) {
  CLI::App& eval =
      commands.Add(commands.program(), "eval",
                   "Judges a package by a gate. Exit code 0: pass, 10: fail, 11: undecided.");
  auto gate = TextOption(eval, "gate", "the gate", true);
  auto candidate = TextOption(eval, "candidate", "a package id, or MODEL/VERSION", true);
  auto against = TextOption(eval, "--against", "the same, or champion; champion when not given");
  auto from =
      TextOption(eval, "--from", "judge on moments from here on; the held-out rows when not given");
  auto until = TextOption(eval, "--until", "and before this");
  auto table = TextOption(eval, "--table", "judge on this file in the tables folder");
  auto label = TextOption(eval, "--label", "the label's column in --table");
  commands.Run(eval, [=](Session& session) -> Result<ExitCode> {
    Json body = Json::MakeObject({{"gate", *gate}, {"candidate", *candidate}});
    SetText(body, "against", *against);
    SetText(body, "from", *from);
    SetText(body, "until", *until);
    SetText(body, "table", *table);
    SetText(body, "label", *label);
    const Json verdict = SW_TRY(session.RunJob("/seaworthy/v1/gate", body));
    if (session.json())
      session.PrintObject(verdict);
    else
      std::printf("%s: %s\n", verdict.StringOr("result", "").c_str(),
                  verdict.StringOr("summary", "").c_str());
    return ExitCodeOfVerdict(verdict);
  });
}

constexpr const char* kPackageExamples = R"(Examples:
  seaworthy register late model.txt --rows sample.parquet --server http://127.0.0.1:8420
  seaworthy register late mlruns/1/models/m-12/artifacts --python venv/bin/python --data DATA
  seaworthy package model.ubj --out late-3 && seaworthy register late late-3 --data DATA

Golden rows, which every load replays, get their scores from the model's own library, in a process
of --python. Without it the package is unverified, and says why.
docs/models.md: what to export, library by library.)";

// Options of building a package of a model file.
struct BuildOptions {
  std::shared_ptr<std::string> rows, python;
  std::shared_ptr<std::vector<std::string>> output_names;
  std::shared_ptr<bool> require_verified;

  explicit BuildOptions(CLI::App& command)
      : rows(TextOption(command, "--rows", "a table of rows as they come: for the contract, the profile and golden rows")),
        python(TextOption(command, "--python", "the Python that has the model's library; python3 when not given")),
        output_names(ListOption(command, "--output-name",
                                "what a prediction is called, such as a class, in the model's order; repeat for each")),
        require_verified(Flag(command, "--require-verified", "fail when the library gives no golden rows")) {}

  app::BuildRequest Request(const std::string& model) const {
    app::BuildRequest request{.model = model, .rows = *rows, .output_names = *output_names};
    if (!python->empty()) request.python = *python;
    request.require_verified = *require_verified;
    return request;
  }
};

void AddRegister(Commands& commands) {
  CLI::App& command = commands.Add(commands.program(), "register",
                                   "Registers a model file or a package as a model's next version.");
  command.footer(kPackageExamples);
  auto model = TextOption(command, "model", "the model", true);
  auto source = TextOption(command, "source",
                           "a model file, an MLflow or package folder, or the id of a package that is there", true);
  auto run = TextOption(command, "--run", "the run that made it");
  const BuildOptions build(command);
  commands.Run(command, [=](Session& session) -> Result<ExitCode> {
    const app::Uploaded uploaded =
        SW_TRY(app::UploadPackage(session.settings(), build.Request(*source), *SW_TRY(session.client())));
    Json body = Json::MakeObject({{"package_id", uploaded.package_id}});
    SetText(body, "run_id", *run);
    Json version = SW_TRY(session.Post(ModelPath(*model, "versions"), body));
    for (const auto& [key, value] : uploaded.about.AsObject()) {
      if (!version.Has(key)) version.Set(key, value);
    }
    session.PrintObject(version);
    return ExitCode::kOk;
  });
  CLI::App& package = commands.Add(commands.program(), "package", "Makes a package folder of a model file, without a server.");
  package.footer(kPackageExamples);
  auto file = TextOption(package, "model", "a model file or an MLflow folder", true);
  auto out = TextOption(package, "--out", "the folder to write: a file id, and one a part", true);
  const BuildOptions built(package);
  commands.Run(package, [=](Session& session) -> Result<ExitCode> {
    session.PrintObject(SW_TRY(app::MakePackageFolder(session.settings(), built.Request(*file), *out)));
    return ExitCode::kOk;
  });
}

void AddModelReading(Commands& commands, CLI::App& models) {
  CLI::App& list = commands.Add(models, "list", "Models with their aliases.");
  commands.Run(list, [](Session& session) -> Result<ExitCode> {
    session.PrintRows(SW_TRY(session.Get("/seaworthy/v1/models")), "models",
                      {{"name", "MODEL"},
                       {"newest_version", "NEWEST"},
                       {"aliases", "ALIASES"},
                       {"created", "CREATED"}});
    return ExitCode::kOk;
  });
  CLI::App& versions = commands.Add(models, "versions", "Versions of a model, newest first.");
  auto of = TextOption(versions, "model", "the model", true);
  commands.Run(versions, [=](Session& session) -> Result<ExitCode> {
    session.PrintRows(SW_TRY(session.Get(ModelPath(*of, "versions"))), "versions",
                      {{"version", "VERSION"},
                       {"state", "STATE"},
                       {"aliases", "ALIASES"},
                       {"package_id", "PACKAGE"},
                       {"created", "CREATED"}});
    return ExitCode::kOk;
  });
  CLI::App& show =
      commands.Add(models, "show", "One version with its verdicts and what scores it.");
  auto model = TextOption(show, "model", "the model", true);
  auto version = TextOption(show, "version", "a number, an alias or latest", true);
  commands.Run(show, [=](Session& session) -> Result<ExitCode> {
    Json shown = SW_TRY(session.Get(VersionPath(*model, *version)));
    if (const Json* engine = shown.Find("engine"); engine != nullptr && !session.json()) {
      shown.Set("engine", EngineLines(*engine));
    }
    session.PrintObject(shown);
    return ExitCode::kOk;
  });
}

void AddModelWriting(Commands& commands, CLI::App& models) {
  CLI::App& alias = commands.Add(models, "alias", "Points an alias at a version.");
  auto model = TextOption(alias, "model", "the model", true);
  auto name = TextOption(alias, "alias", "such as champion", true);
  auto number = TextOption(alias, "version", "a number", true);
  commands.Run(alias, [=](Session& session) -> Result<ExitCode> {
    Json body = Json::MakeObject();
    SW_TRY(SetNumber(body, "version", *number));
    session.PrintObject(SW_TRY(
        SW_TRY(session.client())->Put(ModelPath(*model, "aliases/" + app::Encoded(*name)), body)));
    return ExitCode::kOk;
  });
  CLI::App& override_it =
      commands.Add(models, "override", "Records your word for a version that no gate passed.");
  auto whose = TextOption(override_it, "model", "the model", true);
  auto which = TextOption(override_it, "version", "a number or an alias", true);
  auto reason =
      TextOption(override_it, "--reason", "why it may serve all the same; it is kept", true);
  commands.Run(override_it, [=](Session& session) -> Result<ExitCode> {
    session.PrintObject(SW_TRY(session.Post(VersionPath(*whose, *which, "/override"),
                                            Json::MakeObject({{"reason", *reason}}))));
    return ExitCode::kOk;
  });
  CLI::App& archive = commands.Add(models, "archive", "Takes a version out of use.");
  auto model_of = TextOption(archive, "model", "the model", true);
  auto old = TextOption(archive, "version", "a number or an alias", true);
  commands.Run(archive, [=](Session& session) -> Result<ExitCode> {
    session.PrintObject(
        SW_TRY(session.Post(VersionPath(*model_of, *old, "/archive"), Json::MakeObject())));
    return ExitCode::kOk;
  });
}

void AddRuns(Commands& commands) {
  CLI::App& runs = commands.AddGroup("runs", "Runs of training.");
  runs.require_subcommand(1);
  CLI::App& list = commands.Add(runs, "list", "Runs, newest first.");
  auto experiment = TextOption(list, "--experiment", "only of this one");
  auto after = TextOption(list, "--after", "the next page: what the last answer called next");
  commands.Run(list, [=](Session& session) -> Result<ExitCode> {
    session.PrintRows(SW_TRY(session.Get(app::Target(
                          "/seaworthy/v1/runs", {{"experiment", *experiment}, {"after", *after}}))),
                      "runs",
                      {{"id", "RUN"},
                       {"experiment", "EXPERIMENT"},
                       {"name", "NAME"},
                       {"status", "STATUS"},
                       {"started", "STARTED"},
                       {"metrics", "METRICS"}});
    return ExitCode::kOk;
  });
  CLI::App& show = commands.Add(runs, "show", "One run.");
  auto run = TextOption(show, "run", "its id", true);
  commands.Run(show, [=](Session& session) -> Result<ExitCode> {
    session.PrintObject(SW_TRY(session.Get("/seaworthy/v1/runs/" + app::Encoded(*run))));
    return ExitCode::kOk;
  });
}

}  // namespace

void AddModelCommands(Commands& commands) {
  AddTrain(commands);
  AddEval(commands);
  AddRegister(commands);
  CLI::App& models = commands.AddGroup("models", "Registered models and their versions.");
  models.require_subcommand(1);
  AddModelReading(commands, models);
  AddModelWriting(commands, models);
  AddRuns(commands);
}

}  // namespace sw::cli
