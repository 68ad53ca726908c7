#include "serve/scoring.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <utility>

namespace sw::serve {
namespace {

// A group of rows that one arm takes. Without `numbers` it is the whole request, uncopied.
struct Group {
  const Arm* arm = nullptr;
  std::vector<std::size_t> numbers;
};

std::vector<Group> GroupByArm(const std::vector<const Arm*>& arms) {
  if (arms.empty()) return {};
  if (std::ranges::adjacent_find(arms, std::ranges::not_equal_to()) == arms.end()) return {{arms[0], {}}};
  std::vector<Group> groups;
  for (std::size_t row = 0; row < arms.size(); ++row) {
    auto group = std::ranges::find(groups, arms[row], &Group::arm);
    if (group == groups.end()) group = groups.insert(groups.end(), {arms[row], {}});
    group->numbers.push_back(row);
  }
  return groups;
}

// An input that features lack is a fault of the set-up, not something that the client named.
Error CannotScore(const Arm& arm, Error error) {
  if (error.code == ErrorCode::kNotFound) error.code = ErrorCode::kFailedPrecondition;
  return std::move(error).Within("version " + std::to_string(arm.version) + " cannot score");
}

class GroupScorer {
 public:
  GroupScorer(const LiveEndpoint& endpoint, const data::Batch& rows, std::span<const std::size_t> numbers,
              bool is_pinned)
      : endpoint_(endpoint), rows_(rows), numbers_(numbers), is_pinned_(is_pinned), outputs_(endpoint.snapshot.outputs->count),
        scores_(rows.num_rows() * outputs_) {}

  Status ScoreBy(const Arm& arm) {
    const bool is_canary = arm.mode == ArmMode::kCanary && !is_pinned_;
    if (is_canary && endpoint_.refuses_any) SW_TRY(Check(endpoint_.live, endpoint_.snapshot.policy));
    SW_TRY(Check(arm, is_canary ? ContractPolicy{} : endpoint_.snapshot.policy));
    arm_ = &arm;
    Status status = arm.package->Score(rows_, model::Output::kPrediction, scores_);
    if (!status && !is_canary) return std::unexpected(CannotScore(arm, std::move(status).error()));
    if (status) return Ok();
    endpoint_.counters.canary_failures.Add(static_cast<std::int64_t>(rows_.num_rows()));
    return ScoreBy(endpoint_.live);
  }

  void MoveTo(Scored& scored) {
    endpoint_.counters.violations.Add(contract_.violations);
    if (numbers_.empty()) {
      scored.scores = std::move(scores_);
      scored.violations = std::move(contract_.by_row);
      std::ranges::fill(scored.arms, arm_);
      return;
    }
    for (std::size_t i = 0; i < rows_.num_rows(); ++i) {
      const std::size_t row = numbers_[i];
      for (std::size_t k = 0; k < outputs_; ++k) scored.scores[row * outputs_ + k] = scores_[i * outputs_ + k];
      scored.violations[row] = contract_.by_row[i];
      scored.arms[row] = arm_;
    }
  }

 private:
  // What is refused counts here, what is answered in MoveTo: each value once.
  Status Check(const Arm& arm, const ContractPolicy& policy) {
    contract_ = CheckRows(arm.package->content().contract, rows_, policy, numbers_);
    if (!contract_.refusal) return Ok();
    endpoint_.counters.violations.Add(contract_.violations);
    return std::unexpected(*contract_.refusal);
  }

  const LiveEndpoint& endpoint_;
  const data::Batch& rows_;
  std::span<const std::size_t> numbers_;
  bool is_pinned_;
  std::size_t outputs_;
  std::vector<double> scores_;
  ContractOutcome contract_;
  const Arm* arm_ = nullptr;
};

}  // namespace

Scored Scored::Slice(std::size_t row, std::size_t rows, std::size_t outputs) const {
  const auto part = [](const auto& all, std::size_t from, std::size_t count) {
    const auto begin = all.begin() + static_cast<std::ptrdiff_t>(from);
    return std::remove_cvref_t<decltype(all)>(begin, begin + static_cast<std::ptrdiff_t>(count));
  };
  return {.scores = part(scores, row * outputs, rows * outputs), .violations = part(violations, row, rows), .arms = part(arms, row, rows)};
}

Result<Scored> ScoreRows(const LiveEndpoint& endpoint, const data::Batch& features, std::vector<const Arm*> arms,
                         bool is_pinned) {
  Scored scored{.scores = {}, .violations = {}, .arms = {}};
  const std::vector<Group> groups = GroupByArm(arms);
  if (groups.size() > 1) {
    scored.scores.resize(arms.size() * endpoint.snapshot.outputs->count);
    scored.violations.resize(arms.size());
  }
  scored.arms = std::move(arms);
  for (const Group& group : groups) {
    std::optional<data::Batch> some;
    if (!group.numbers.empty()) some = features.Take(group.numbers);
    GroupScorer scorer(endpoint, some ? *some : features, group.numbers, is_pinned);
    SW_TRY(scorer.ScoreBy(*group.arm));
    scorer.MoveTo(scored);
  }
  return scored;
}

Result<std::vector<double>> ScoreSome(const model::Package& package, const data::Batch& features,
                                      std::span<const std::size_t> rows) {
  std::vector<double> scores((rows.empty() ? features.num_rows() : rows.size()) * package.outputs());
  SW_TRY(package.Score(rows.empty() ? features : features.Take(rows), model::Output::kPrediction, scores));
  return scores;
}

}  // namespace sw::serve
