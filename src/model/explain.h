// Explainer: exact SHAP values of a forest's raw scores.
//
//   auto explainer = SW_TRY(Explainer::Make(forest));
//   explainer.Contribute(cells, contributions);
//
// For each row and raw output: the contribution of every feature, then the bias, which is what the
// forest answers when nothing is known of the row. They add up to the raw score. The values are
// those of path-dependent TreeSHAP (Lundberg et al., arXiv:1802.03888), as LightGBM's pred_contrib,
// XGBoost's pred_contribs and CatBoost's ShapValues define them: an unknown feature sends a row both
// ways, by the covers of the training rows (Tree::covers).
//
// Method: a leaf's value times the product over the features of its path of w + (o - w) t (w the
// share of training weight that passes, o whether the row does) is the expected value when each
// feature is known with chance t. A feature's SHAP value is the integral over t of that product,
// without its own factor, times o - w (Owen's multilinear extension). All factors are positive, so
// that nothing cancels, at any depth; the integral is a Gauss-Legendre sum with as many points as
// make it exact. It costs leaves * points a row, a subtree's features sharing its work
// (QuadratureTreeSHAP: XGBoost 3.3, shapiq). The bits depend on no batch size and no CPU.
//
// Features with equal names are one player: all of its contribution stands at the first of them.
// `players` says it otherwise: for each feature, at which one its contribution stands.
// Immutable; borrows the forest.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "model/engines/cells.h"
#include "model/engines/cpu.h"
#include "model/explain_kernel.h"
#include "model/forest.h"
#include "model/quadrature.h"

namespace sw::model {

class Explainer {
 public:
  static constexpr std::size_t kPathNodesMax = 4096;  // depth of a tree that is explained

  // Requires CheckForest(forest). UNIMPLEMENTED for linear leaves, and for a forest without covers
  // (the message says what to save); RESOURCE_EXHAUSTED above kPathNodesMax; INVALID_ARGUMENT when a
  // node's covers are less than its child's.
  static Result<Explainer> Make(const Forest& forest, const Cpu& cpu = DetectCpu(), std::vector<std::uint32_t> players = {});

  std::size_t memory_bytes() const;
  // Places for a row: outputs * (features + 1), in that order.
  std::size_t width() const;
  // `contributions` has cells.rows * width() places, row-major.
  void Contribute(const Cells& cells, std::span<double> contributions) const;

 private:
  struct TreePlan {
    std::vector<ExplainEdge> edges;  // in pre-order, left before right
    std::size_t rule = 0;            // index into rules_
    std::size_t depth = 0;           // longest path, in edges
  };
  template <typename T>
  struct Lanes;
  struct Scratch;

  Explainer(const Forest& forest, const Cpu& cpu, std::vector<std::uint32_t> players);
  Status AddTree(std::size_t number, std::vector<std::int32_t>& newest);
  std::size_t RuleOf(std::size_t points);
  std::size_t BlockGroups() const;
  void LoadBlock(const Cells& cells, std::size_t first, std::size_t count, Scratch& scratch) const;
  void AddTreeToBlock(std::size_t number, std::size_t groups, Scratch& scratch) const;
  void StoreBlock(std::size_t first, std::size_t count, const Scratch& scratch, std::span<double> contributions) const;

  const Forest* forest_;
  ExplainKernel kernel_;
  std::vector<std::uint32_t> players_;  // one a feature: the first with its name
  std::vector<TreePlan> plans_;
  std::vector<Quadrature> rules_;
  std::vector<std::uint32_t> used_;     // features that some node tests
  std::vector<double> means_;           // one an output: what the trees add when nothing is known
};

}  // namespace sw::model
