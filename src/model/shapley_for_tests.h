// Shapley values of a forest by their definition, over all subsets: slow and obvious, what explain.h is
// tested against. Pure.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "model/forest.h"
#include "model/reference.h"

namespace sw::model {

// What a tree answers when only the features of `known`, a bit mask, are known.
inline double Expected(const Forest& forest, const Tree& tree, std::int32_t at, std::span<const double> row, unsigned known,
                std::size_t place) {
  if (at < 0) return tree.leaves[static_cast<std::size_t>(~at) * forest.leaf_width + place];
  if (tree.nodes.empty()) return tree.leaves[place];
  const Node& node = tree.nodes[static_cast<std::size_t>(at)];
  const auto side = [&](std::int32_t child) { return Expected(forest, tree, child, row, known, place); };
  const auto feature = static_cast<std::size_t>(node.feature);
  if (known >> feature & 1U) return side(ReferenceGoesLeft(forest, tree, node, row[feature]) ? node.left : node.right);
  const auto cover = [&](std::int32_t child) {
    return tree.covers[child < 0 ? tree.nodes.size() + static_cast<std::size_t>(~child) : static_cast<std::size_t>(child)];
  };
  if (cover(at) == 0) return (side(node.left) + side(node.right)) / 2;
  return (cover(node.left) * side(node.left) + cover(node.right) * side(node.right)) / cover(at);
}

inline double Raw(const Forest& forest, std::span<const double> row, unsigned known, std::uint32_t output) {
  double sum = forest.base.empty() || forest.base_last ? 0 : forest.base[output];
  for (const Tree& tree : forest.trees) {
    if (forest.leaf_width == 1 && tree.output != output) continue;
    sum += Expected(forest, tree, 0, row, known, forest.leaf_width == 1 ? 0 : output);
  }
  sum *= forest.scale;
  if (forest.base_last) sum += forest.base[output];
  return sum / forest.divisor;
}

// Shapley's formula, over all subsets of players. `players` has the features, as a bit mask, of each.
inline double Shapley(const Forest& forest, std::span<const double> row, std::span<const unsigned> players, std::size_t player,
                      std::uint32_t output) {
  double sum = 0;
  for (unsigned subset = 0; subset < 1U << players.size(); ++subset) {
    if (subset >> player & 1U) continue;
    unsigned known = 0;
    for (std::size_t i = 0; i < players.size(); ++i) known |= subset >> i & 1U ? players[i] : 0;
    const int size = std::popcount(subset);
    const double weight = std::tgamma(size + 1) * std::tgamma(players.size() - static_cast<std::size_t>(size)) / std::tgamma(players.size() + 1);
    sum += weight * (Raw(forest, row, known | players[player], output) - Raw(forest, row, known, output));
  }
  return sum;
}

inline double Shapley(const Forest& forest, std::span<const double> row, std::size_t feature, std::uint32_t output) {
  std::vector<unsigned> players;
  for (std::size_t f = 0; f < forest.features.size(); ++f) players.push_back(1U << f);
  return Shapley(forest, row, players, feature, output);
}

}  // namespace sw::model
