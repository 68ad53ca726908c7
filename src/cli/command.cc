#include "cli/command.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cstdio>

#include "base/errors.h"
#include "cli/table.h"

namespace sw::cli {
namespace {

constexpr int kBarWidth = 30;

}  // namespace

Result<app::Client*> Session::client() {
  if (!client_) client_ = SW_TRY(app::Client::Open(settings_, purpose_));
  return client_.get();
}

Result<Json> Session::Get(const std::string& target) { return SW_TRY(client())->Get(target); }
Result<Json> Session::Post(const std::string& target, const Json& body) {
  return SW_TRY(client())->Post(target, body);
}

app::OnProgress Session::ProgressBar() const {
  if (isatty(STDERR_FILENO) == 0) return {};
  return [](double done, std::string_view message) {
    const int full = static_cast<int>(done * kBarWidth);
    std::fprintf(stderr, "\r\033[K[%s%s] %3.0f%% %.*s",
                 std::string(static_cast<std::size_t>(full), '#').c_str(),
                 std::string(static_cast<std::size_t>(kBarWidth - full), '.').c_str(), done * 100,
                 static_cast<int>(message.size()), message.data());
    std::fflush(stderr);
  };
}

Result<Json> Session::WithBar(const std::function<Result<Json>(const app::OnProgress&)>& run) const {
  const app::OnProgress bar = ProgressBar();
  Result<Json> result = run(bar);
  if (bar) std::fputs("\r\033[K", stderr);
  return result;
}

Result<Json> Session::RunJob(const std::string& target, const Json& body) {
  app::Client* const client = SW_TRY(this->client());
  return WithBar([&](const app::OnProgress& bar) { return client->RunJob(target, body, bar); });
}

Result<Json> Session::PushTable(std::string_view source, const std::string& location) {
  app::Client* const client = SW_TRY(this->client());
  return WithBar([&](const app::OnProgress& bar) { return client->PushTable(source, location, bar); });
}

Result<Json> Session::PredictFile(const app::PredictFileRequest& request) {
  return WithBar([&](const app::OnProgress& bar) { return app::PredictFile(settings_, request, bar); });
}

Result<Json> Session::HistoryToFile(const app::HistoryFileRequest& request) {
  return WithBar([&](const app::OnProgress& bar) { return app::HistoryToFile(settings_, request, bar); });
}

void Session::PrintRows(const Json& answer, std::string_view rows_key,
                        const std::vector<TableColumn>& columns) const {
  const Json* rows = rows_key.empty() ? &answer : answer.Find(rows_key);
  const bool is_table = !json_ && rows != nullptr && rows->IsArray();
  const std::string text = is_table ? TableText(rows->AsArray(), columns) : answer.Dump(2) + "\n";
  std::fputs(text.c_str(), stdout);
}

void Session::PrintObject(const Json& answer) const {
  const std::string text = json_ || !answer.IsObject() ? answer.Dump(2) + "\n" : ObjectText(answer);
  std::fputs(text.c_str(), stdout);
}

CLI::App& Commands::AddGroup(const std::string& name, const std::string& help) {
  return *program_.add_subcommand(name, help);
}

CLI::App& Commands::Add(CLI::App& parent, const std::string& name, const std::string& help) {
  CLI::App& command = *parent.add_subcommand(name, help);
  command.footer("Exit codes: see seaworthy --help.");
  command.add_flag("--json", json_, "print the whole answer as JSON");
  for (const std::string_view setting : {"server", "key", "data", "tables", "clock", "config"}) {
    AddSettingFlag(command, setting);
  }
  return command;
}

void Commands::AddSettingFlag(CLI::App& command, std::string_view setting) {
  for (const app::SettingSpec& spec : app::SettingSpecs()) {
    if (spec.name != setting) continue;
    std::string help(spec.help);
    if (!spec.fallback.empty()) help += fmt::format(" [{}]", spec.fallback);
    command
        .add_option_function<std::string>(
            app::FlagName(setting),
            [this, name = std::string(setting)](const std::string& value) { flags_[name] = value; },
            help)
        ->group("Settings (also " + app::EnvironmentName("name") + " and [server] of --config)");
  }
}

void Commands::Run(CLI::App& command, Action action) {
  command.callback([this, name = command.get_name(), action = std::move(action)] {
    chosen_ = action;
    chosen_name_ = name;
  });
}

std::shared_ptr<std::string> TextOption(CLI::App& command, const std::string& name,
                                        const std::string& help, bool required) {
  auto value = std::make_shared<std::string>();
  CLI::Option* option = command.add_option_function<std::string>(
      name, [value](const std::string& text) { *value = text; }, help);
  if (required) option->required();
  return value;
}

std::shared_ptr<std::vector<std::string>> ListOption(CLI::App& command, const std::string& name,
                                                     const std::string& help) {
  auto values = std::make_shared<std::vector<std::string>>();
  command.add_option_function<std::vector<std::string>>(
      name, [values](const std::vector<std::string>& texts) { *values = texts; }, help);
  return values;
}

std::shared_ptr<bool> Flag(CLI::App& command, const std::string& name, const std::string& help) {
  auto value = std::make_shared<bool>(false);
  command.add_flag_callback(name, [value] { *value = true; }, help);
  return value;
}

void SetText(Json& body, std::string_view key, const std::string& value) {
  if (!value.empty()) body.Set(key, value);
}

Status SetNumber(Json& body, std::string_view key, const std::string& value) {
  if (value.empty()) return Ok();
  const auto number = Json::Parse(value);
  if (!number || !number->IsNumber())
    return InvalidArgument("{}: expected a number, found {}", key, value);
  body.Set(key, *number);
  return Ok();
}

}  // namespace sw::cli
