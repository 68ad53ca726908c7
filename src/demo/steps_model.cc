// Steps 1 to 6: from tables to a live model.
#include <fmt/format.h>

#include "base/errors.h"
#include "base/files.h"
#include "demo/steps.h"
#include "feature/time_zone.h"

namespace sw::demo {
namespace {

constexpr double kHeldOutDaysOfMay = 31;

Json TrainBody(const Stage& stage, const std::string& recipe, bool naive) {
  return Json::MakeObject({{"recipe", recipe}, {"from", base::FormatTime(Midnight(1, 1))}, {"until", base::FormatTime(Midnight(6, 1))},
                           {"held_out", fmt::format("{}d", kHeldOutDaysOfMay)}, {"seed", static_cast<std::int64_t>(stage.seed)}, {"naive", naive}});
}

double Metric(const Json& trained, const char* metric, const char* part = "value") {
  const Json* report = trained.Find("report");
  const Json* found = report == nullptr ? nullptr : report->Find(metric);
  return found == nullptr ? -1 : found->DoubleOr(part, -1);
}

std::string WithInterval(const Json& trained, const char* metric) {
  return fmt::format("{:.4f} [{:.4f}, {:.4f}]", Metric(trained, metric), Metric(trained, metric, "low"), Metric(trained, metric, "high"));
}

// What is wrong with values: "wind_speed: 1 value at 1048.36 lies 146 IQR above the rest".
std::string BadValues(const Json& profile) {
  std::string found;
  for (const Json& column : profile.Find("columns")->AsArray()) {
    for (const Json& finding : column.Find("findings")->AsArray()) {
      const std::string& text = finding.AsString();
      if (text == "constant" || text.starts_with("every value is different")) continue;
      found += fmt::format("{}{}: {}", found.empty() ? "" : "; ", column.StringOr("name", ""), text);
    }
  }
  return found;
}

std::int64_t NullsOf(const Json& profile, const std::string& name) {
  for (const Json& column : profile.Find("columns")->AsArray()) {
    if (column.StringOr("name", "") == name) return column.IntOr("nulls", -1);
  }
  return -1;
}

}  // namespace

TimeUs Midnight(int month, int day) {
  return feature::TimeZone::Find("America/New_York")->TimeOf({.year = 2013, .month = month, .day = day, .hour = 0, .minute = 0, .second = 0}).value();
}

Status ReadTables(Stage& stage) {
  SW_TRY(stage.api.Post("config", Json::MakeObject({{"toml", SW_TRY(base::ReadFile(stage.toml_path))}, {"file", "seaworthy.toml"}})));
  Json profiles = Json::MakeObject();
  std::string figures;
  for (const char* source : {"flights", "weather", "planes"}) {
    const Json profile = SW_TRY(stage.api.Run(fmt::format("sources/{}/profile", source), Json::MakeObject()));
    figures += fmt::format("{}{} {} rows", figures.empty() ? "" : ", ", source, Thousands(profile.IntOr("rows", 0)));
    std::string bad = BadValues(profile);
    if (std::string_view(source) == "flights") bad = fmt::format("{} never arrived", Thousands(NullsOf(profile, "arr_delay")));
    if (!bad.empty()) figures += fmt::format(" ({})", bad);
    profiles.Set(source, profile);
  }
  stage.story.Say(1, "read the tables", figures);
  stage.story.Check(profiles.Find("flights")->IntOr("rows", 0) == 336'776, "all 336,776 flights were read");
  stage.story.Check(NullsOf(*profiles.Find("flights"), "arr_delay") == 9'430, "9,430 flights were cancelled or diverted");
  stage.story.Check(BadValues(*profiles.Find("weather")).find("wind_speed: 1 value at 1048.36") != std::string::npos, "the profile finds the wind of 1,048 miles an hour");
  stage.story.Keep("profiles", std::move(profiles));
  return Ok();
}

Status ApplyDefinitions(Stage& stage) {
  SW_TRY(stage.api.AdvanceClock(Midnight(6, 1)));
  std::int64_t rows = 0;
  for (const char* source : {"planes", "weather", "flights"}) {
    const Json loaded = SW_TRY(stage.api.Run(fmt::format("sources/{}/load", source), Json::MakeObject({{"until", base::FormatTime(Midnight(6, 1))}})));
    rows += loaded.IntOr("rows", 0);
  }
  const Json service = SW_TRY(stage.api.Get("services/late_v1"));
  const std::size_t features = service.Find("features")->size();
  const Json sources = SW_TRY(stage.api.Get("sources"));
  stage.story.Say(2, "define features", fmt::format("{} features of service late_v1 (hash {}), {} rows known by June 1 loaded", features,
                                                    service.StringOr("hash", "").substr(0, 12), Thousands(rows)));
  stage.story.Check(features >= 12, "there are at least 12 features");
  stage.story.Keep("service", service);
  return Ok();
}

Status BuildTrainingSet(Stage& stage) {
  Json body = TrainBody(stage, "late", false);
  const Json honest = SW_TRY(stage.api.Run("train", body));
  const Json naive = SW_TRY(stage.api.Run("train", TrainBody(stage, "late", true)));
  stage.story.Say(3, "point-in-time join", fmt::format("{} rows of January to April; May AUC {:.4f}, and {:.4f} by a naive join that leaks", Thousands(honest.IntOr("rows", 0)),
                                                       Metric(honest, "auc"), Metric(naive, "auc")));
  stage.story.Check(Metric(naive, "auc") > Metric(honest, "auc") + 0.02, "the naive join looks better than the honest one");
  stage.story.Keep("honest", honest);
  stage.story.Keep("naive", naive);
  return Ok();
}

Status TrainModels(Stage& stage) {
  const Json& honest = *stage.story.Fact("honest");
  const Json constant = SW_TRY(stage.api.Run("train", TrainBody(stage, "late_constant", false)));
  const Json logistic = SW_TRY(stage.api.Run("train", TrainBody(stage, "late_logistic", false)));
  stage.story.Say(4, "train", fmt::format("LightGBM in {:.1f} s; Brier {:.4f}, logistic {:.4f}, constant {:.4f}", honest.DoubleOr("seconds", 0),
                                          Metric(honest, "brier"), Metric(logistic, "brier"), Metric(constant, "brier")));
  stage.story.Check(Metric(honest, "brier") < Metric(logistic, "brier") && Metric(logistic, "brier") < Metric(constant, "brier"),
                    "LightGBM is better than logistic, and that than the constant");
  stage.story.Keep("logistic", logistic);
  stage.story.Keep("constant", constant);
  return Ok();
}

Status EvaluateOnMay(Stage& stage) {
  const Json& honest = *stage.story.Fact("honest");
  const Json& report = *honest.Find("report");
  stage.story.Say(5, "evaluate on May", fmt::format("AUC {}, log loss {}, Brier {}, cost {} at {:.3f}", WithInterval(honest, "auc"), WithInterval(honest, "log_loss"),
                                                    WithInterval(honest, "brier"), WithInterval(honest, "cost"), report.DoubleOr("threshold", 0)));
  for (const char* metric : {"auc", "log_loss", "brier", "cost"}) {
    stage.story.Check(Metric(honest, metric, "low") < Metric(honest, metric) && Metric(honest, metric) < Metric(honest, metric, "high"),
                      fmt::format("{} has an interval", metric));
  }
  stage.story.Check(Metric(honest, "auc") > 0.72 && Metric(honest, "auc") < 0.85, "May's AUC is that of an honest model");
  const Json* slices = report.Find("slices");
  stage.story.Check(slices != nullptr && slices->size() >= 3, "the report has slices by origin and carrier");
  return Ok();
}

Status GoLive(Stage& stage) {
  const Json& honest = *stage.story.Fact("honest");
  const Json version = SW_TRY(stage.api.Post("models/late/versions", Json::MakeObject({{"package_id", honest.StringOr("package_id", "")}, {"run_id", honest.StringOr("run_id", "")}})));
  const Json verdict = SW_TRY(stage.api.Run("gate", Json::MakeObject({{"gate", "late"}, {"candidate", "late/1"}, {"against", stage.story.Fact("logistic")->StringOr("package_id", "")}})));
  SW_TRY(stage.api.Post("endpoints/late/live", Json::MakeObject({{"version", 1}})));
  stage.story.Say(6, "gate, register, live", fmt::format("late/1 (package {}) golden rows replayed; gate {}: {}", version.StringOr("package_id", "").substr(0, 12),
                                                         verdict.StringOr("result", ""), verdict.StringOr("summary", "")));
  stage.story.Check(verdict.StringOr("result", "") == "pass", "the gate passes the first model against the logistic baseline");
  stage.story.Check(version.BoolOr("verified", false), "the package has golden rows of the original library, replayed at load");
  stage.story.Keep("first_gate", verdict);
  return Ok();
}

}  // namespace sw::demo
