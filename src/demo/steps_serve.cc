// Steps 7 to 10: serving, retraining, broken candidates, a silent fault.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/errors.h"
#include "demo/steps.h"
#include "data/readers.h"

namespace sw::demo {
namespace {

constexpr double kHectopascalPerInch = 33.8639;
constexpr int kBrokenCandidatesDay = 12;  // of July, or as soon as the retrained model is live
constexpr int kOutsiderDaysMax = 16;
constexpr double kOutsiderShare = 0.5;

std::string Day(TimeUs time) { return base::FormatTime(time).substr(0, 10); }

Result<Json> RolloutOf(Stage& stage) {
  const Json answer = SW_TRY(stage.api.Get("rollouts?endpoint=late"));
  const Json& list = *SW_TRY(answer.GetArray("rollouts"));
  if (list.size() == 0) return Json();
  return *SW_TRY(list.AsArray()[0].GetObject("rollout"));
}

Result<std::string> PhaseOf(Stage& stage) {
  const Json rollout = SW_TRY(RolloutOf(stage));
  if (rollout.IsNull()) return std::string("none");
  return rollout.Find("state")->StringOr("phase", "");
}

Result<std::int64_t> LiveVersion(Stage& stage) {
  const Json endpoints = SW_TRY(stage.api.Get("endpoints"));
  return SW_TRY(endpoints.GetArray("endpoints"))->AsArray().at(0).GetInt("live");
}

// Plays day by day until `until`, or until the rollout is over.
Result<TimeUs> PlayUntilDecided(Stage& stage, TimeUs from, TimeUs until, const std::optional<Fault>& fault) {
  TimeUs clock = from;
  while (clock < until) {
    const std::string phase = SW_TRY(PhaseOf(stage));
    if (phase != "running" && phase != "escalated") break;
    const TimeUs next = std::min(until, clock + base::kDayUs);
    SW_TRY(stage.world.Play(stage.api, clock, next, fault));
    clock = next;
  }
  return clock;
}

Status CheckPagesBefore(Stage& stage, TimeUs fault) {
  const Json incidents = SW_TRY(stage.api.Get("incidents?endpoint=late"));
  std::size_t pages = 0;
  bool all_justified = true;
  for (const Json& incident : SW_TRY(incidents.GetArray("incidents"))->AsArray()) {
    if (incident.StringOr("severity", "") != "page") continue;
    if (SW_TRY(base::ParseTime(incident.StringOr("opened_at", ""))) >= fault) continue;
    ++pages;
    const Json* evidence = incident.Find("evidence");
    const double realised = evidence->DoubleOr("realised_loss", 0);
    const double bound = evidence->DoubleOr("reference_loss", 1) + evidence->DoubleOr("tolerance", 1);
    all_justified = all_justified && realised > bound;
  }
  stage.story.Check(all_justified, fmt::format("each of the {} pages before the fault was about a realised loss above what is tolerated", pages));
  stage.story.Keep("pages_before_fault", static_cast<std::int64_t>(pages));
  return Ok();
}

Json LeakTraining(Stage& stage, const std::string& name, const std::string& expression) {
  return Json::MakeObject({{"recipe", "late"}, {"from", base::FormatTime(Midnight(1, 1))}, {"until", base::FormatTime(Midnight(7, 1))},
                           {"held_out", "10d"}, {"seed", static_cast<std::int64_t>(stage.seed)},
                           {"extra", Json::MakeObject({{name, expression}})}});
}

Result<std::int64_t> RegisterPackage(Stage& stage, const Json& trained) {
  const Json version = SW_TRY(stage.api.Post("models/late/versions", Json::MakeObject({{"package_id", trained.StringOr("package_id", "")},
                                                                                      {"run_id", trained.StringOr("run_id", "")}})));
  return version.GetInt("version");
}

Result<Json> JudgeVersion(Stage& stage, std::int64_t version, const std::string& table) {
  Json body = Json::MakeObject({{"gate", "late"}, {"candidate", fmt::format("late/{}", version)}});
  if (!table.empty()) body.Set("table", table);
  return stage.api.Run("gate", body);
}

Result<Json> ReplayOf(Stage& stage, std::int64_t version, TimeUs from, TimeUs until) {
  return stage.api.Run("endpoints/late/replay", Json::MakeObject({{"version", version}, {"from", base::FormatTime(from)}, {"until", base::FormatTime(until)}}));
}

// How long a version was the champion.
struct Reign {
  std::int64_t version = 0;
  TimeUs from = 0;
  TimeUs until = 0;
};

Result<std::vector<Reign>> ReignsAfterTheFirst(Stage& stage, TimeUs until) {
  const Json timeline = SW_TRY(stage.api.Get("timeline"));
  std::vector<Reign> reigns;
  for (const Json& event : SW_TRY(timeline.GetArray("events"))->AsArray()) {
    if (event.StringOr("kind", "") != "live") continue;
    const std::string subject = event.StringOr("subject", "");
    const TimeUs time = std::min(until, SW_TRY(base::ParseTime(event.StringOr("time", ""))));
    if (!reigns.empty()) reigns.back().until = time;
    reigns.push_back({.version = std::strtoll(subject.c_str() + subject.find('/') + 1, nullptr, 10), .from = time, .until = until});
  }
  std::erase_if(reigns, [](const Reign& reign) { return reign.version == 1 || reign.from >= reign.until; });
  return reigns;
}

// Mean Brier scores over the labelled requests of several replays.
struct Compared {
  std::uint64_t requests = 0;
  double champion = 0, first = 0, served = 0;

  void Add(const Json& champion_replay, const Json& first_replay) {
    const auto count = static_cast<std::uint64_t>(champion_replay.IntOr("labelled", 0));
    if (count == 0) return;
    const double share = static_cast<double>(count) / static_cast<double>(requests + count);
    const auto mix = [share](double& mean, const Json& metrics) { mean += share * (metrics.DoubleOr("brier", 1) - mean); };
    mix(champion, *champion_replay.Find("replayed"));
    mix(first, *first_replay.Find("replayed"));
    mix(served, *champion_replay.Find("served"));
    requests += count;
  }
};

// Every flight that never arrived is given up after the declared horizon, and no day waits for it.
Status CheckCensored(Stage& stage, const Json& monitor) {
  const Json* blocks = SW_TRY(monitor.GetArray("monitors"))->AsArray().at(0).Find("blocks");
  std::int64_t predictions = 0, censored = 0;
  TimeUs until = 0;
  for (const Json& block : blocks->AsArray()) {
    predictions += block.IntOr("predictions", 0);
    censored += block.IntOr("censored", 0);
    until = SW_TRY(base::ParseTime(block.StringOr("to", "")));
  }
  const auto [asked, never] = stage.world.AskedBefore(until);
  stage.story.Check(never > 0 && std::cmp_equal(predictions, asked) && std::cmp_equal(censored, never),
                    fmt::format("each of the {} flights that never arrived by {} was given up, and no other of {}", never, Day(until), asked));
  return Ok();
}

double BrierOf(const Json& trained) {
  const Json* brier = trained.Find("report")->Find("brier");
  return brier == nullptr ? -1 : brier->DoubleOr("value", -1);
}

// The training set with the label of an edited query: for Newark, late means more than 60 minutes.
Status WriteOutsideTable(Stage& stage, const std::string& honest_file, const std::string& outside_file) {
  const data::Batch table = SW_TRY(data::ReadTable("parquet:" + stage.tables_folder + "/" + honest_file));
  const data::Column& origin = *SW_TRY(table.Get("origin", honest_file));
  const data::Column& id = *SW_TRY(table.Get("id", honest_file));
  const std::map<std::string, double> delay_of = stage.world.DelaysById();
  data::Column label(data::Type::kFloat64);
  for (std::size_t row = 0; row < table.num_rows(); ++row) {
    const auto delay = delay_of.find(std::string(id.String(row)));
    if (delay == delay_of.end()) return Internal("the training set has flight {}, which is not in the table", id.String(row));
    label.AppendDouble(delay->second > (origin.String(row) == "EWR" ? 60 : 15) ? 1 : 0);
  }
  data::Batch edited = table;
  edited.column(SW_TRY(edited.schema().Index("label", honest_file))) = std::move(label);
  return data::WriteParquet(edited, stage.tables_folder + "/" + outside_file);
}

// Each night what was served since the last is recomputed, unasked.
Status CheckNights(Stage& stage) {
  const Json answer = SW_TRY(stage.api.Get("endpoints/late/audits"));
  const Json* const nights = SW_TRY(answer.GetArray("audits"));
  std::int64_t served = 0, audited = 0, compared = 0, different = 0, late = 0;
  for (const Json& night : nights->AsArray()) {
    served += night.IntOr("served", 0);
    audited += night.IntOr("audited", 0);
    compared += night.IntOr("compared", 0);
    different += night.IntOr("different", 0);
    for (const Json& feature : night.Find("changed_by_late_rows")->AsArray()) late += feature.IntOr("changed", 0);
  }
  stage.story.Say(8, "audited each night", fmt::format("{} nights: {} of {} served rows recomputed from the rows that each read had, {} values, {} differ; {} would be others with the rows that came late",
                                                       nights->size(), Thousands(audited), Thousands(served), Thousands(compared), different, Thousands(late)));
  stage.story.Check(nights->size() > 60 && audited == served && different == 0, "every night's audit found every served value again, bit for bit");
  stage.story.Keep("audits", *nights);
  return Ok();
}

}  // namespace

Status ServeJune(Stage& stage) {
  const Traffic traffic = SW_TRY(stage.world.Play(stage.api, Midnight(6, 1), Midnight(7, 1), {}));
  const Json audit = SW_TRY(stage.api.Run("endpoints/late/audit", Json::MakeObject({{"from", base::FormatTime(Midnight(6, 1))}, {"until", base::FormatTime(Midnight(7, 1))}})));
  stage.story.Say(7, "serve June", fmt::format("{} requests, {:.0f}/s, p50 {:.3f} ms, p99 {:.3f} ms; {} labels came, {} never will; parity: {} values compared, {} differ",
                                               Thousands(static_cast<std::int64_t>(traffic.requests)), static_cast<double>(traffic.requests) / traffic.predict_seconds,
                                               traffic.QuantileMs(0.5), traffic.QuantileMs(0.99), Thousands(static_cast<std::int64_t>(traffic.labels)), Thousands(static_cast<std::int64_t>(traffic.never_labelled)),
                                               Thousands(audit.IntOr("compared", 0)), audit.IntOr("different", -1)));
  stage.story.Check(audit.IntOr("compared", 0) > 0 && audit.IntOr("different", -1) == 0, "online and offline values are equal, bit for bit");
  stage.story.Check(traffic.failed == 0, "no request failed in June");
  stage.story.Keep("june", Json::MakeObject({{"requests", traffic.requests}, {"requests_per_second", static_cast<double>(traffic.requests) / traffic.predict_seconds},
                                             {"p50_ms", traffic.QuantileMs(0.5)}, {"p99_ms", traffic.QuantileMs(0.99)}, {"audit", audit}}));
  return Ok();
}

Status ServeJulyUntilMiddle(Stage& stage) {
  TimeUs clock = Midnight(7, kBrokenCandidatesDay);
  SW_TRY(stage.world.Play(stage.api, Midnight(7, 1), clock, {}));
  clock = SW_TRY(PlayUntilDecided(stage, clock, Midnight(7, 22), {}));
  const std::int64_t live = SW_TRY(LiveVersion(stage));
  const Json rollout = SW_TRY(RolloutOf(stage));
  stage.story.Say(8, "retrain by itself", fmt::format("on July 1 from all that was labelled: late/{} is live since {}", live, rollout.IsNull() ? "-" : Day(SW_TRY(base::ParseTime(rollout.Find("state")->StringOr("since", "1970-01-01"))))));
  stage.story.Check(live == 2, "the model retrained at the end of June went live by itself, through gate, shadow and canary");
  stage.story.Keep("broken_candidates_from", base::FormatTime(clock));
  stage.clock = clock;
  return Ok();
}

Status RefuseTheLeak(Stage& stage) {
  const Json leaked = SW_TRY(stage.api.Run("train", LeakTraining(stage, "dep_delay", "dep_delay")));
  const Json verdict = SW_TRY(JudgeVersion(stage, SW_TRY(RegisterPackage(stage, leaked)), ""));
  const Json disguised = SW_TRY(stage.api.Run("train", LeakTraining(stage, "morning_code", "dep_delay * 0.37 + 5")));
  const Json again = SW_TRY(JudgeVersion(stage, SW_TRY(RegisterPackage(stage, disguised)), ""));
  const double auc = leaked.Find("report")->Find("auc")->DoubleOr("value", 0);
  stage.story.Say(9, "refuse the leak", fmt::format("AUC {:.3f} offline; {}: {}", auc, verdict.StringOr("result", ""), verdict.StringOr("summary", "")));
  stage.story.Check(auc > 0.88, "the leaked candidate looks far better offline");
  stage.story.Check(verdict.StringOr("result", "") == "fail" && verdict.StringOr("summary", "").find("dep_delay") != std::string::npos, "it is refused before any traffic, by its column's availability");
  stage.story.Check(again.StringOr("result", "") == "fail" && again.StringOr("summary", "").find("morning_code") != std::string::npos, "renamed and rescaled, it is refused too");
  stage.story.Keep("leak", verdict);
  return Ok();
}

Status RollBackTheOutsider(Stage& stage) {
  const Json window = Json::MakeObject({{"recipe", "late"}, {"from", base::FormatTime(Midnight(1, 1))}, {"until", base::FormatTime(Midnight(6, 1))}});
  Json build = window;
  build.Set("out", "honest.parquet");
  SW_TRY(stage.api.Run("training-sets", build));
  SW_TRY(WriteOutsideTable(stage, "honest.parquet", "outside.parquet"));
  const Json trained = SW_TRY(stage.api.Run("train", Json::MakeObject({{"recipe", "late"}, {"table", "outside.parquet"}, {"held_out", "20d"}, {"seed", static_cast<std::int64_t>(stage.seed)}})));
  const std::int64_t version = SW_TRY(RegisterPackage(stage, trained));
  const Json on_own = SW_TRY(JudgeVersion(stage, version, "outside.parquet"));
  stage.story.Check(on_own.StringOr("result", "") == "undecided", "a gate on the outsider's own table is undecided: labels without lineage");
  SW_TRY(stage.api.Post(fmt::format("models/late/versions/{}/override", version), Json::MakeObject({{"reason", "it looks clearly better on its table, and the release is today"}})));
  SW_TRY(stage.api.Post("endpoints/late/rollout", Json::MakeObject({{"version", version}, {"steps", Json::MakeArray({"canary", "live"})}, {"canary_share", kOutsiderShare}})));
  const TimeUs began = stage.clock;
  stage.clock = SW_TRY(PlayUntilDecided(stage, stage.clock, std::min(Midnight(7, 31), stage.clock + kOutsiderDaysMax * base::kDayUs), {}));
  const Json rollout = SW_TRY(RolloutOf(stage));
  const Json* judgement = rollout.Find("judgement");
  const std::string summary = judgement == nullptr ? "" : judgement->StringOr("summary", "");
  const std::string phase = rollout.Find("state")->StringOr("phase", "");
  stage.story.Say(9, "roll back an outsider", fmt::format("Brier {:.3f} on its own table, gate {}, overridden; canary from {}: {}", BrierOf(trained), on_own.StringOr("result", ""), Day(began), summary));
  stage.story.Check(phase == "rolled_back", "the canary of the model trained outside is rolled back");
  stage.story.Check(summary.find("origin=EWR") != std::string::npos, "the roll-back names the slice origin=EWR");
  stage.story.Check(SW_TRY(LiveVersion(stage)) == 2, "the champion answers again");
  // What our own held-out rows, and shadow, would have said.
  Json gate = Json::MakeObject({{"gate", "late"}, {"candidate", trained.StringOr("package_id", "")}, {"against", "late/2"},
                                {"from", base::FormatTime(Midnight(7, 1))}, {"until", base::FormatTime(began)}});
  const Json own = SW_TRY(stage.api.Run("gate", gate));
  const Json shadow = SW_TRY(stage.api.Run("endpoints/late/replay", Json::MakeObject({{"version", version}, {"from", base::FormatTime(Midnight(7, 1))}, {"until", base::FormatTime(began)}})));
  stage.story.Keep("outsider", Json::MakeObject({{"trained", trained}, {"gate_on_own_table", on_own}, {"rollout", rollout}, {"gate_on_our_table", own}, {"replayed", shadow}}));
  return Ok();
}

Status ServeAugustWithFault(Stage& stage) {
  const Fault fault{.column = "pressure", .factor = 1 / kHectopascalPerInch, .from = stage.fault_from};
  SW_TRY(stage.world.Play(stage.api, stage.clock, fault.from, {}));
  SW_TRY(CheckPagesBefore(stage, fault.from));
  const std::int64_t champion = SW_TRY(LiveVersion(stage));
  SW_TRY(stage.world.Play(stage.api, fault.from, Midnight(9, 1) - base::kHourUs, fault));
  const Json incidents = SW_TRY(stage.api.Get("incidents?endpoint=late"));
  Json found;
  for (const Json& incident : SW_TRY(incidents.GetArray("incidents"))->AsArray()) {
    const Json* culprits = incident.Find("culprits");
    const bool is_pressure = culprits->size() > 0 && culprits->AsArray()[0].StringOr("name", "") == "weather_now.pressure";
    if (is_pressure && incident.StringOr("severity", "") == "page") found = incident;
  }
  stage.story.Check(!found.IsNull(), "an incident names the column weather_now.pressure");
  stage.story.Keep("incidents", *incidents.Find("incidents"));
  stage.story.Keep("fault", Json::MakeObject({{"from", base::FormatTime(fault.from)}, {"column", fault.column}, {"champion", champion}}));
  if (found.IsNull()) {
    stage.story.Say(10, "a silent fault", fmt::format("pressure in inches of mercury from {}: NOT NOTICED", base::FormatTime(fault.from)));
    return Ok();
  }
  const TimeUs opened = SW_TRY(base::ParseTime(found.StringOr("opened_at", "")));
  const TimeUs since = SW_TRY(base::ParseTime(found.StringOr("since_hi", "")));
  stage.story.Say(10, "a silent fault", fmt::format("pressure in inches of mercury from {}; paged {:.1f} h later: {}", base::FormatTime(fault.from),
                                                    static_cast<double>(opened - fault.from) / base::kHourUs, found.StringOr("summary", "")));
  stage.story.Check(opened >= fault.from && opened - fault.from <= 2 * base::kDayUs, "the page comes within two days of the fault");
  stage.story.Check(since >= fault.from && since - fault.from <= base::kDayUs, "the incident names the moment");
  stage.story.Check(found.DoubleOr("harm_lo", 0) > 0 && found.DoubleOr("harm_lo", 0) < found.DoubleOr("harm", 0) && found.DoubleOr("harm", 0) < found.DoubleOr("harm_hi", 0), "the harm has an interval above nothing");
  stage.story.Check(found.IntOr("exposed", 0) > 0, "the incident counts the predictions that were exposed");
  stage.story.Keep("incident", found);
  return Ok();
}

Status SumUp(Stage& stage) {
  const TimeUs until = std::min(stage.fault_from, Midnight(9, 1));
  Compared compared;
  Json replays = Json::MakeArray();
  for (const Reign& reign : SW_TRY(ReignsAfterTheFirst(stage, until))) {
    const Json champion = SW_TRY(ReplayOf(stage, reign.version, reign.from, reign.until));
    const Json first = SW_TRY(ReplayOf(stage, 1, reign.from, reign.until));
    compared.Add(champion, first);
    replays.Append(Json::MakeObject({{"champion", champion}, {"first", first}, {"from", base::FormatTime(reign.from)}, {"until", base::FormatTime(reign.until)}}));
  }
  stage.story.Say(8, "was it worth it", fmt::format("until {}: Brier {:.4f} by the retrained champions, {:.4f} by the first model, on the same {} requests; {:.4f} as served, the outsider's canary among it",
                                                    Day(until), compared.champion, compared.first, Thousands(static_cast<std::int64_t>(compared.requests)), compared.served));
  stage.story.Check(compared.requests > 0 && compared.champion < compared.first, "the retrained champions beat what the first model would have done");
  stage.story.Keep("replay", std::move(replays));
  const Json timeline = SW_TRY(stage.api.Get("timeline"));
  stage.story.Keep("timeline", *SW_TRY(timeline.GetArray("events")));
  const Json monitor = SW_TRY(stage.api.Get("endpoints/late/monitor"));
  SW_TRY(CheckCensored(stage, monitor));
  stage.story.Keep("monitor", *SW_TRY(monitor.GetArray("monitors")));
  SW_TRY(CheckNights(stage));
  const Json versions = SW_TRY(stage.api.Get("models/late/versions"));
  stage.story.Keep("versions", *SW_TRY(versions.GetArray("versions")));
  return Ok();
}

}  // namespace sw::demo
