// Commands: what one command line may say, and what runs for it. Inside this room only.
//
//   CLI::App& models = commands.Add("models", "Registered models.");
//   commands.Run(models, [](Session& session) -> Result<ExitCode> {
//     return session.Print(SW_TRY(session.client().Get("/seaworthy/v1/models")), ...);
//   });
//
// One owner.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "app/client.h"
#include "app/history_file.h"
#include "app/predict.h"
#include "app/settings.h"
#include "base/json.h"
#include "base/result.h"
#include "cli/exit_code.h"

namespace CLI {
class App;
}

namespace sw::cli {

// A column of a listing as text: the key of each row (with '.' into objects) and its heading.
struct TableColumn {
  std::string_view key;
  std::string_view heading;
};

// What a command runs with: its flags, where to print, and the client that they ask for.
class Session {
 public:
  Session(app::Settings settings, std::string purpose, bool json)
      : settings_(std::move(settings)), purpose_(std::move(purpose)), json_(json) {}

  const app::Settings& settings() const { return settings_; }
  bool json() const { return json_; }
  // Opens it at the first call.
  Result<app::Client*> client();

  Result<Json> Get(const std::string& target);
  Result<Json> Post(const std::string& target, const Json& body);
  // Shows a progress bar when standard error is a terminal.
  Result<Json> RunJob(const std::string& target, const Json& body);
  Result<Json> PushTable(std::string_view source, const std::string& location);
  // Scores a file in this process, whether or not there is a server.
  Result<Json> PredictFile(const app::PredictFileRequest& request);
  // Joins tables in this process, whether or not there is a server.
  Result<Json> HistoryToFile(const app::HistoryFileRequest& request);

  // With --json the whole answer; else the rows at `rows_key` as a table.
  void PrintRows(const Json& answer, std::string_view rows_key,
                 const std::vector<TableColumn>& columns) const;
  // With --json the answer; else its members, one a line.
  void PrintObject(const Json& answer) const;

 private:
  app::OnProgress ProgressBar() const;
  // Runs it beside the bar, which is cleared at the end.
  Result<Json> WithBar(const std::function<Result<Json>(const app::OnProgress&)>& run) const;
  app::Settings settings_;
  std::string purpose_;
  bool json_;
  std::unique_ptr<app::Client> client_;
};

using Action = std::function<Result<ExitCode>(Session&)>;

class Commands {
 public:
  explicit Commands(CLI::App& program) : program_(program) {}

  // A command or, below `parent`, a sub-command; with the flags that say whom to talk to.
  CLI::App& Add(CLI::App& parent, const std::string& name, const std::string& help);
  CLI::App& program() { return program_; }
  // A group of sub-commands, without flags of its own.
  CLI::App& AddGroup(const std::string& name, const std::string& help);
  // What runs when the command line chose `command`.
  void Run(CLI::App& command, Action action);
  // A flag --name of `command` for a setting, with help from its table.
  void AddSettingFlag(CLI::App& command, std::string_view setting);

  const Action& chosen() const { return chosen_; }
  const std::string& chosen_name() const { return chosen_name_; }
  const app::Settings::Flags& flags() const { return flags_; }
  bool json() const { return json_; }

 private:
  CLI::App& program_;
  Action chosen_;
  std::string chosen_name_;
  app::Settings::Flags flags_;
  bool json_ = false;
};

// Adds an option whose value lives as long as the command's action; "" when it is not given.
std::shared_ptr<std::string> TextOption(CLI::App& command, const std::string& name,
                                        const std::string& help, bool required = false);
std::shared_ptr<std::vector<std::string>> ListOption(CLI::App& command, const std::string& name,
                                                     const std::string& help);
std::shared_ptr<bool> Flag(CLI::App& command, const std::string& name, const std::string& help);
// Sets `key` when the option was given.
void SetText(Json& body, std::string_view key, const std::string& value);
Status SetNumber(Json& body, std::string_view key, const std::string& value);  // INVALID_ARGUMENT

// One function a file of commands.
void AddServerCommands(Commands& commands);   // serve, doctor, clock, train-worker
void AddConfigCommands(Commands& commands);   // apply, keys
void AddFeatureCommands(Commands& commands);  // features, log
void AddModelCommands(Commands& commands);    // train, eval, register, models, runs
void AddEndpointCommands(
    Commands& commands);                    // rollout, predict, label, monitor, incidents, timeline
void AddDemoCommand(Commands& commands);    // demo
void AddShellCommands(Commands& commands);  // completion, routes

// The rows as aligned columns under headings.
std::string TableText(const Json::Array& rows, const std::vector<TableColumn>& columns);

}  // namespace sw::cli
