#include "eval/gate.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

#include "base/errors.h"
#include "eval/cluster_mean.h"
#include "eval/slices.h"

namespace sw::eval {
namespace {

using stats::Judgement;
using stats::Verdict;

constexpr std::size_t kUnguardedListedMax = 100;

// What is judged: all rows, or those of one slice.
struct Part {
  std::string name = {};  // "" for all rows, else "origin=EWR"
  Json where = {};        // {"column", "value"} of a slice
  double margin = 0;
  ClusterMean difference = {};
  double upper = 0;  // of the difference, each bound at its own alpha
  double lower = 0;
  Verdict verdict = Verdict::kUndecided;

  Json ToJson() const {
    Json json = where.IsObject() ? where : Json::MakeObject();
    json.Set("rows", difference.rows);
    json.Set("clusters", difference.clusters);
    json.Set("difference", difference.mean);
    json.Set("standard_error", difference.standard_error);
    json.Set("lower", lower);
    json.Set("upper", upper);
    json.Set("margin", margin);
    json.Set("verdict", VerdictName(verdict));
    return json;
  }
};

// Reads a judgement off the bounds. Too few clusters leave it undecided, with bounds that are open.
void Judge(Part& part, double alpha_pass, double alpha_fail, std::uint64_t clusters_min) {
  part.upper = std::numeric_limits<double>::infinity();
  part.lower = -part.upper;
  if (part.difference.clusters < std::max<std::uint64_t>(2, clusters_min)) return;
  part.upper = part.difference.Upper(alpha_pass);
  part.lower = part.difference.Lower(alpha_fail);
  if (part.lower > part.margin) part.verdict = Verdict::kFail;
  if (part.upper < part.margin) part.verdict = Verdict::kPass;
}

Status CheckScores(const char* whose, std::span<const double> scores,
                   std::span<const std::uint8_t> labels) {
  Status checked = stats::CheckScored({scores, labels}, true);
  if (checked) return checked;
  return std::unexpected(std::move(checked).error().Within(whose));
}

Status CheckPaired(const PairedScores& paired) {
  SW_TRY(CheckScores("the champion's scores", paired.champion, paired.labels));
  SW_TRY(CheckScores("the challenger's scores", paired.challenger, paired.labels));
  if (paired.clusters.empty() || paired.clusters.size() == paired.labels.size()) return Ok();
  return InvalidArgument("{} cluster keys for {} rows; give one a row, or none",
                         paired.clusters.size(), paired.labels.size());
}

Result<const SliceColumn*> FindSlice(const PairedScores& paired, const std::string& name) {
  std::vector<std::string> names;
  for (const SliceColumn& slice : paired.slices) {
    if (slice.name == name) return &slice;
    names.push_back(slice.name);
  }
  return InvalidArgument("the gate guards slices of {}, which the table has not; it has {}", name,
                         fmt::join(names, ", "));
}

// Everything that a comparison looks at.
struct Comparison {
  Part all = {};
  std::vector<Part> slices = {};  // guarded, worst difference first
  Json unguarded = {};            // slices that are too small to judge
  double champion_loss = 0;
  double challenger_loss = 0;
};

double MeanOf(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

// Splits by every guarded column; small slices are listed, as nothing can be said about them.
Status AddSlices(const PairedScores& paired, const GatePolicy& policy,
                 std::span<const double> differences, Comparison& made) {
  made.unguarded = Json::MakeArray();
  for (const std::string& name : policy.slices) {
    const SliceColumn* column = SW_TRY(FindSlice(paired, name));
    for (const SliceRows& slice : SW_TRY(SplitBySlice(*column, paired.labels.size()))) {
      Part part{.name = name + "=" + slice.value,
                .where = Json::MakeObject({{"column", name}, {"value", slice.value}}),
                .margin = policy.max_slice_loss_increase,
                .difference = MeanOverClusters(differences, paired.clusters, slice.rows)};
      if (slice.rows.size() >= policy.slice_rows_min) {
        made.slices.push_back(std::move(part));
      } else if (made.unguarded.size() < kUnguardedListedMax) {
        part.where.Set("rows", slice.rows.size());
        made.unguarded.Append(std::move(part.where));
      }
    }
  }
  std::stable_sort(made.slices.begin(), made.slices.end(), [](const Part& a, const Part& b) {
    return a.difference.mean > b.difference.mean;
  });
  return Ok();
}

Result<Comparison> MakeComparison(const PairedScores& paired, const GatePolicy& policy) {
  const auto losses = [&](std::span<const double> scores, double threshold) {
    return LossesOf(policy.loss, {scores, paired.labels}, threshold, policy.costs);
  };
  const std::vector<double> champion = losses(paired.champion, paired.champion_threshold);
  std::vector<double> differences = losses(paired.challenger, paired.challenger_threshold);
  Comparison made{.champion_loss = MeanOf(champion), .challenger_loss = MeanOf(differences)};
  for (std::size_t i = 0; i < differences.size(); ++i) differences[i] -= champion[i];
  std::vector<std::size_t> rows(differences.size());
  std::iota(rows.begin(), rows.end(), std::size_t{0});
  made.all.margin = policy.max_loss_increase;
  made.all.difference = MeanOverClusters(differences, paired.clusters, rows);
  SW_TRY(AddSlices(paired, policy, differences, made));
  // A wrong fail may come from any part, so they share alpha; a pass needs every part to pass.
  const double alpha_fail = policy.alpha / static_cast<double>(1 + made.slices.size());
  Judge(made.all, policy.alpha, alpha_fail, policy.clusters_min);
  for (Part& part : made.slices) Judge(part, policy.alpha, alpha_fail, policy.clusters_min);
  return made;
}

// The part that decided, all rows before slices.
const Part& Deciding(const Comparison& made, Verdict verdict) {
  if (made.all.verdict == verdict) return made.all;
  for (const Part& part : made.slices) {
    if (part.verdict == verdict) return part;
  }
  return made.all;
}

std::string Describe(const Part& part, Verdict verdict, const GatePolicy& policy) {
  const std::string where = part.name.empty() ? "" : "where " + part.name + ", ";
  const ClusterMean& difference = part.difference;
  const std::string counts =
      fmt::format("{} rows in {} clusters", difference.rows, difference.clusters);
  if (difference.clusters < policy.clusters_min) {
    return fmt::format("{}too little data: {}, {} clusters are needed", where, counts,
                       policy.clusters_min);
  }
  const std::string change =
      fmt::format("{} changes by {:+.5f}", LossName(policy.loss), difference.mean);
  if (verdict == Verdict::kFail) {
    return fmt::format("{}{}, by {:+.5f} at least, allowed is {:+.5f} ({})", where, change,
                       part.lower, part.margin, counts);
  }
  return fmt::format("{}{}, by {:+.5f} at most, allowed is {:+.5f} ({})", where, change, part.upper,
                     part.margin, counts);
}

std::string Summarise(const Comparison& made, Verdict verdict, const GatePolicy& policy) {
  std::string summary = Describe(Deciding(made, verdict), verdict, policy);
  if (verdict == Verdict::kPass && !made.slices.empty()) {
    summary += fmt::format("; {} slices hold, {} are too small to guard", made.slices.size(),
                           made.unguarded.size());
  }
  return summary;
}

Json Evidence(const Comparison& made, const PairedScores& paired, const GatePolicy& policy) {
  Json evidence =
      Json::MakeObject({{"gate", policy.name},
                        {"policy", policy.ToJson()},
                        {"method", "cluster jackknife (CR3), Student's t, paired differences"},
                        {"champion_loss", made.champion_loss},
                        {"challenger_loss", made.challenger_loss},
                        {"champion_threshold", paired.champion_threshold},
                        {"challenger_threshold", paired.challenger_threshold},
                        {"all", made.all.ToJson()},
                        {"slices", Json::MakeArray()},
                        {"unguarded", made.unguarded}});
  for (const Part& part : made.slices) evidence["slices"].Append(part.ToJson());
  return evidence;
}

}  // namespace

Result<Judgement> Compare(const PairedScores& paired, const GatePolicy& policy) {
  if (paired.labels.empty() && paired.champion.empty() && paired.challenger.empty()) {
    return Judgement{.alpha = policy.alpha,
                     .summary = "no labelled rows to compare on",
                     .evidence = Json::MakeObject(
                         {{"gate", policy.name}, {"policy", policy.ToJson()}, {"rows", 0}})};
  }
  SW_TRY(CheckPaired(paired));
  const Comparison made = SW_TRY(MakeComparison(paired, policy));
  std::vector<Verdict> verdicts = {made.all.verdict};
  for (const Part& part : made.slices) verdicts.push_back(part.verdict);
  const Verdict verdict = stats::Together(verdicts);
  return Judgement{.verdict = verdict,
                   .alpha = policy.alpha,
                   .summary = Summarise(made, verdict, policy),
                   .evidence = Evidence(made, paired, policy)};
}

Judgement JudgeTogether(const std::vector<NamedJudgement>& parts) {
  std::vector<Verdict> verdicts;
  Judgement made{.summary = "nothing was judged",
                 .evidence = Json::MakeObject({{"parts", Json::MakeArray()}})};
  for (const NamedJudgement& part : parts) verdicts.push_back(part.judgement.verdict);
  made.verdict = stats::Together(verdicts);
  bool is_first = true;
  for (const auto& [name, judgement] : parts) {
    // The chance that any part is wrong; smaller parts of it suffice for a pass.
    made.alpha = std::min(1.0, made.alpha + judgement.alpha);
    if (is_first && judgement.verdict == made.verdict) {
      made.summary = fmt::format("{}: {}", name, judgement.summary);
      is_first = false;
    }
    made.evidence["parts"].Append(Json::MakeObject({{"name", name},
                                                    {"verdict", VerdictName(judgement.verdict)},
                                                    {"alpha", judgement.alpha},
                                                    {"summary", judgement.summary},
                                                    {"evidence", judgement.evidence}}));
  }
  return made;
}

}  // namespace sw::eval
