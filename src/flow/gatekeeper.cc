#include "flow/gatekeeper.h"

#include <algorithm>
#include <cctype>

#include "base/errors.h"
#include "flow/trainer.h"

namespace sw::flow {
namespace {

bool IsPackageId(const std::string& text) {
  return text.size() == 64 && std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isxdigit(c) != 0; });
}

// Rows of a training set must not be rows that the candidate learned from.
TimeUs HeldOutFrom(const Contender& candidate) {
  const auto text = candidate.package->content().lineage.StringOr("held_out_from", "");
  return base::ParseTime(text).value_or(0);
}

// Rows that a model learned from say little about it. What it was trained on lies in [from, held_out_from)
// of its lineage; of a package without one nothing is known.
Status CheckLearnedNothingIn(const Contender& contender, TimeUs from, TimeUs until) {
  const Json& lineage = contender.package->content().lineage;
  if (!lineage.IsObject() || !lineage.Has("held_out_from")) return Ok();
  const Json* table = lineage.Find("table");
  const TimeUs learned_from = table == nullptr ? 0 : base::ParseTime(table->StringOr("from", "")).value_or(0);
  const TimeUs learned_until = HeldOutFrom(contender);
  if (std::max(from, learned_from) >= std::min(until, learned_until)) return Ok();
  return InvalidArgument("from: {} was trained on moments from {} until {}, and would be judged on rows that it knows; judge from {} on",
                         contender.name, base::FormatTime(learned_from), base::FormatTime(learned_until), base::FormatTime(learned_until));
}

Result<double> ThresholdOf(const Contender& contender) {
  const Json& report = contender.package->content().report;
  return report.IsObject() ? report.DoubleOr("threshold", 0.5) : 0.5;
}

Result<std::vector<double>> Score(const Contender& contender, const TrainingTable& table) {
  auto scores = ScoreAll(*contender.package, table.features);
  if (scores || scores.error().code != ErrorCode::kNotFound) return scores;
  return FailedPrecondition("{} cannot score the rows to judge on: {}; judge it on a table that has what it reads (--table)",
                            contender.name, scores.error().message);
}

}  // namespace

Status Gatekeeper::CheckHasChampion(const Caller& caller, const std::string& model) {
  const registry::Model found = SW_TRY(registry_.GetModel(caller, model));
  if (found.aliases.contains("champion")) return Ok();
  return FailedPrecondition("model {} has no champion yet; name what to judge against, such as a baseline's version (--against {}/1)",
                            model, model);
}

Result<Contender> Gatekeeper::Find(const Caller& caller, const std::string& name) {
  const std::size_t slash = name.find('/');
  if (slash == std::string::npos) {
    if (!IsPackageId(name)) return InvalidArgument("expected MODEL/VERSION or a package id, found {}", name);
    return Contender{.name = name.substr(0, 12), .model = {}, .version = 0, .package = SW_TRY(packages_.Get(name))};
  }
  const registry::Version version = SW_TRY(registry_.Resolve(caller, name.substr(0, slash), name.substr(slash + 1)));
  return Contender{.name = fmt::format("{}/{}", version.model, version.number), .model = version.model,
                   .version = version.number, .package = SW_TRY(packages_.Get(version.package_id))};
}

Result<std::shared_ptr<const TrainingTable>> Gatekeeper::RowsFor(const GateRequest& request, const eval::GatePolicy& gate, const Decision& decision) {
  const Contender& candidate = decision.candidate;
  const bool has_range = request.from != 0 || request.until != 0;
  if (!request.table.empty() && has_range) return InvalidArgument("from and until choose rows of the training set; a table is judged as a whole");
  if (!request.table.empty()) return tables_.ReadOutside(request.table, request.label, gate.slices);
  const Json* recipe = candidate.package->content().lineage.Find("recipe");
  const std::string set = recipe == nullptr ? "" : recipe->StringOr("training_set", "");
  if (set.empty()) return FailedPrecondition("{} does not say what it was trained on; name a table to judge it on", candidate.name);
  TableRequest rows{.training_set = set, .from = request.from, .until = request.until};
  if (has_range) {
    SW_TRY(CheckLearnedNothingIn(candidate, rows.from, rows.until));
    SW_TRY(CheckLearnedNothingIn(decision.against, rows.from, rows.until));
  } else {
    rows.from = HeldOutFrom(candidate);
    rows.until = SW_TRY(base::ParseTime(candidate.package->content().lineage.StringOr("until", "")));
  }
  // Extra columns that either model reads are computed again, as the candidate's training did.
  const Json* table = candidate.package->content().lineage.Find("table");
  if (const Json* extra = table == nullptr ? nullptr : table->Find("extra"); extra != nullptr && extra->IsObject()) {
    for (const auto& [name, text] : extra->AsObject()) rows.extra.emplace_back(name, text.AsString());
  }
  rows.naive = table != nullptr && table->BoolOr("naive", false);
  return tables_.Build(rows, {});
}

Result<Gatekeeper::Decision> Gatekeeper::Judge(const Caller& caller, const Config& config, const GateRequest& request) {
  const auto gate = config.gates.find(request.gate);
  if (gate == config.gates.end()) {
    std::vector<std::string> names;
    for (const auto& [name, policy] : config.gates) names.push_back(name);
    return NotFound("there is no gate {}; {}", request.gate, Suggestion(request.gate, names));
  }
  const eval::GatePolicy& policy = gate->second;
  Decision decision{.candidate = SW_TRY(Find(caller, request.candidate)), .against = {}, .judgement = {}};
  std::string against = request.against;
  if (against.empty() || against == "champion") {
    if (decision.candidate.model.empty()) return InvalidArgument("{} is not registered; say what to judge it against", request.candidate);
    against = decision.candidate.model + "/champion";
    SW_TRY(CheckHasChampion(caller, decision.candidate.model));
  }
  decision.against = SW_TRY(Find(caller, against));
  const auto table = SW_TRY(RowsFor(request, policy, decision));
  const std::vector<double> champion = SW_TRY(Score(decision.against, *table));
  const std::vector<double> challenger = SW_TRY(Score(decision.candidate, *table));
  const std::vector<std::uint8_t> labels = BinaryLabels(table->label);
  const std::vector<std::uint64_t> clusters = DayClusters(table->moments);
  const stats::Judgement comparison = SW_TRY(eval::Compare(
      {.champion = champion, .challenger = challenger, .labels = labels, .clusters = clusters,
       .slices = SlicesOf(table->slices), .champion_threshold = SW_TRY(ThresholdOf(decision.against)),
       .challenger_threshold = SW_TRY(ThresholdOf(decision.candidate))}, policy));
  const stats::Judgement lineage = eval::JudgeLineage(decision.candidate.package->content().inputs,
                                                      LineageFromPackage(decision.candidate.package->content().lineage));
  decision.judgement = eval::JudgeTogether({{"lineage", lineage}, {"comparison", comparison}});
  if (decision.judgement.verdict == stats::Verdict::kPass) decision.judgement.summary = comparison.summary;
  decision.judgement.evidence.Set("candidate", decision.candidate.name);
  decision.judgement.evidence.Set("against", decision.against.name);
  decision.judgement.evidence.Set("rows", table->num_rows());
  decision.judgement.evidence.Set("table", table->provenance);
  decision.judgement.evidence.Set("gate", policy.ToJson());
  return decision;
}

}  // namespace sw::flow
