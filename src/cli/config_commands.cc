#include <CLI/CLI.hpp>
#include <cstdio>

#include "base/errors.h"
#include "base/files.h"
#include "cli/command.h"

namespace sw::cli {
namespace {

constexpr std::uint64_t kFileBytesMax = 8u << 20;

void PrintPlan(const Json& plan) {
  for (const Json& change : plan.Find("changes")->AsArray()) {
    const std::string action = change.StringOr("action", "");
    const char mark = action == "add" ? '+' : action == "remove" ? '-' : '~';
    std::printf("%c %s.%s\n", mark, change.StringOr("section", "").c_str(),
                change.StringOr("name", "").c_str());
    const Json* keys = change.Find("keys");
    for (const Json& key : keys == nullptr ? Json::Array() : keys->AsArray()) {
      std::printf("    %s\n", key.AsString().c_str());
    }
  }
  for (const Json& service : plan.Find("services_with_new_values")->AsArray()) {
    std::printf("! service.%s gives other values than before: train its models again\n",
                service.AsString().c_str());
  }
  for (const Json& warning : plan.Find("warnings")->AsArray()) {
    std::printf("warning: %s\n", warning.AsString().c_str());
  }
  const auto version = static_cast<long long>(plan.IntOr("version", 0));
  if (plan.Find("changes")->size() == 0)
    std::printf("nothing to change; version %lld is in force\n", version);
  else if (plan.BoolOr("applied", false))
    std::printf("applied as version %lld\n", version);
  else
    std::printf("nothing was applied; version %lld is in force\n", version);
}

void AddApply(Commands& commands) {
  CLI::App& apply = commands.Add(commands.program(), "apply",
                                 "Checks a seaworthy.toml, shows what it changes, and applies it.");
  auto file = TextOption(apply, "file", "the file", true);
  auto plan_only = Flag(apply, "--plan", "only show what would change");
  commands.Run(apply, [file, plan_only](Session& session) -> Result<ExitCode> {
    Json body =
        Json::MakeObject({{"toml", SW_TRY(base::ReadFile(*file, kFileBytesMax))}, {"file", *file}});
    body.Set("plan_only", *plan_only);
    const Json plan = SW_TRY(session.Post("/seaworthy/v1/config", body));
    if (session.json())
      session.PrintObject(plan);
    else
      PrintPlan(plan);
    return ExitCode::kOk;
  });
}

void AddKeys(Commands& commands) {
  CLI::App& keys = commands.AddGroup("keys", "API keys.");
  keys.require_subcommand(1);
  CLI::App& list = commands.Add(keys, "list", "Keys, without their secrets.");
  commands.Run(list, [](Session& session) -> Result<ExitCode> {
    session.PrintRows(SW_TRY(session.Get("/seaworthy/v1/keys")), "keys",
                      {{"id", "ID"},
                       {"principal", "PRINCIPAL"},
                       {"workspace", "WORKSPACE"},
                       {"scopes", "SCOPES"},
                       {"created", "CREATED"},
                       {"expires", "EXPIRES"}});
    return ExitCode::kOk;
  });
  CLI::App& create = commands.Add(keys, "create", "Makes a key; its secret is shown once.");
  auto principal = TextOption(create, "principal", "who acts by it", true);
  auto scopes =
      ListOption(create, "--scope", "what it may do, such as models.read; * for all. May repeat");
  auto workspace = TextOption(create, "--workspace", "its workspace; the creator's when not given");
  auto expires =
      TextOption(create, "--expires", "until when it is good (RFC 3339); for ever when not given");
  commands.Run(create, [=](Session& session) -> Result<ExitCode> {
    Json body = Json::MakeObject({{"principal", *principal}, {"scopes", Json::FromRange(*scopes)}});
    SetText(body, "workspace", *workspace);
    SetText(body, "expires", *expires);
    session.PrintObject(SW_TRY(session.Post("/seaworthy/v1/keys", body)));
    return ExitCode::kOk;
  });
  CLI::App& revoke = commands.Add(keys, "revoke", "Revokes a key at once.");
  auto id = TextOption(revoke, "id", "the key's id", true);
  commands.Run(revoke, [id](Session& session) -> Result<ExitCode> {
    session.PrintObject(
        SW_TRY(SW_TRY(session.client())->Delete("/seaworthy/v1/keys/" + app::Encoded(*id))));
    return ExitCode::kOk;
  });
}

}  // namespace

void AddConfigCommands(Commands& commands) {
  AddApply(commands);
  AddKeys(commands);
}

}  // namespace sw::cli
