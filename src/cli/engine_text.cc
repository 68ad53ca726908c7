#include "cli/engine_text.h"

#include <fmt/format.h>

#include <string>
#include <string_view>

namespace sw::cli {
namespace {

// " (row table 251 ns, interleaved walk 812 ns)", of `which` rows; "" where nothing was timed.
std::string TimesText(const Json& forest, std::string_view which) {
  const Json* all = forest.Find("ns_a_row");
  const Json* times = all == nullptr ? nullptr : all->Find(which);
  if (times == nullptr || times->size() == 0) return "";
  std::string text;
  for (const auto& [method, ns] : times->AsObject()) {
    text += fmt::format("{}{} {:.0f} ns", text.empty() ? "" : ", ", method, ns.AsDouble());
  }
  return fmt::format(" ({})", text);
}

void AddForest(const Json& forest, const std::string& prefix, Json& lines) {
  lines.Set(prefix + "one row", forest.StringOr("one_row", "") + TimesText(forest, "one_row"));
  lines.Set(prefix + "many rows",
            fmt::format("{} from {} rows on{}", forest.StringOr("many_rows", ""),
                        forest.IntOr("many_rows_from", 0), TimesText(forest, "many_rows")));
}

void AddForests(const Json::Array& forests, Json& lines) {
  for (std::size_t i = 0; i < forests.size(); ++i) {
    AddForest(forests[i], forests.size() > 1 ? fmt::format("forest {}, ", i + 1) : "", lines);
  }
}

std::string ChosenText(const Json& engine) {
  const std::string chosen = engine.StringOr("chosen", "");
  const std::string timed = engine.StringOr("timed", "at a time that was not kept");
  const std::string cpu = engine.StringOr("cpu", "");
  if (chosen == "default rule") return "by the default rule; not timed yet";
  if (chosen == "timed") return fmt::format("timed by this process, {}, on {}", timed, cpu);
  if (chosen == "cached") return fmt::format("cached: timed {}, on {}", timed, cpu);
  return chosen;
}

std::string GoldenText(const Json& engine) {
  const std::int64_t rows = engine.IntOr("golden_rows", 0);
  if (rows == 0) return "none";
  const std::string from = engine.StringOr("golden_from", "");
  return from.empty() ? fmt::format("{}", rows) : fmt::format("{} from {}", rows, from);
}

// "3: setosa, versicolor, virginica"; nothing of a single one without a name.
std::string OutputsText(const Json& engine) {
  const std::int64_t count = engine.IntOr("outputs", 1);
  std::vector<std::string> names;
  if (const Json* found = engine.Find("output_names"); found != nullptr && found->IsArray()) {
    for (const Json& name : found->AsArray()) names.push_back(name.IsString() ? name.AsString() : name.Dump());
  }
  if (names.empty()) return count == 1 ? "" : fmt::format("{}", count);
  return fmt::format("{}: {}", count, fmt::join(names, ", "));
}

}  // namespace

Json EngineLines(const Json& engine) {
  if (engine.Has("error")) return engine;
  const Json* forests = engine.Find("forests");
  Json lines = Json::MakeObject({{"engine", engine.StringOr("engine", "")}});
  if (engine.Has("one_row")) {
    AddForest(engine, "", lines);
  } else {
    lines.Set("why", engine.StringOr("why", ""));
  }
  if (forests != nullptr && forests->IsArray()) AddForests(forests->AsArray(), lines);
  lines.Set("chosen", ChosenText(engine));
  lines.Set("exactness", engine.StringOr("exactness", ""));
  lines.Set("golden rows", GoldenText(engine));
  if (const std::string outputs = OutputsText(engine); !outputs.empty()) lines.Set("outputs", outputs);
  lines.Set("verified",
            engine.BoolOr("verified", false) ? "yes" : "no: " + engine.StringOr("unverified", ""));
  return lines;
}

}  // namespace sw::cli
