// ClusteredRows: rows of a source spread by the hash of their entity, so that each part can be put in order and
// joined alone, by any thread, in little memory.
//
//   ClusteredRows clustered(view, {.lanes = 2, .memory_bytes_max = 128 << 20, .spill_folder = "/tmp"});
//   while (auto block = ...) SW_TRY(clustered.Add(0, *block, false, filter));
//   for (std::size_t part = 0; part < ClusteredRows::kParts; ++part) {
//     SW_TRY(clustered.ForEachEntity(part, wants, [](std::string_view key, const History& rows) { ... }));
//   }
//
// Beyond memory_bytes_max rows are written to files of spill_folder, which are removed at the end. One thread
// a lane may add; when all have, several may read, each a part at a time.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "feature/history.h"
#include "feature/plan.h"

namespace sw::feature {

// Which hashes of keys are asked for at all: says no for most others.
class KeyFilter {
 public:
  void Add(std::uint64_t hash) { bits_[Word(hash)] |= Bit(hash); }
  bool MayHave(std::uint64_t hash) const { return (bits_[Word(hash)] & Bit(hash)) != 0; }

 private:
  static constexpr int kBits = 20;
  static std::size_t Word(std::uint64_t hash) { return hash >> (64 - kBits) >> 6; }
  static std::uint64_t Bit(std::uint64_t hash) { return std::uint64_t{1} << (hash >> (64 - kBits) & 63); }
  std::vector<std::uint64_t> bits_ = std::vector<std::uint64_t>(std::size_t{1} << (kBits - 6));
};

class ClusteredRows {
 public:
  static constexpr std::size_t kParts = 64;
  static std::uint64_t HashOf(std::string_view entity_key);
  static std::size_t PartOf(std::uint64_t hash) { return hash >> 58; }

  struct Options {
    std::size_t lanes = 1;
    std::size_t memory_bytes_max = std::size_t{128} << 20;
    std::string spill_folder = {};  // empty: the system's folder of temporary files
  };
  ClusteredRows(const ViewPlan& view, Options options);
  ~ClusteredRows();
  ClusteredRows(const ClusteredRows&) = delete;
  ClusteredRows& operator=(const ClusteredRows&) = delete;

  // Rows as GroupRows takes them, but that all may lack a tie: 0 is meant. Left out are rows without a key, those that
  // never become known, and those that `filter` says nobody asks for.
  Status Add(std::size_t lane, const SourceRows& rows, bool ignore_availability, const KeyFilter& filter);

  // Each entity of the part that is wanted, by the hash of its key, with its rows in total order; rows of one time
  // and tie are one row, any of them. The history is the callee's to read only until it returns.
  using Wants = std::function<bool(std::uint64_t hash)>;
  using Visit = std::function<Status(std::string_view entity_key, const History& rows)>;
  Status ForEachEntity(std::size_t part, const Wants& wants, const Visit& visit) const;

  // Rows that were left out so, in the parts that were read.
  std::size_t repeats() const { return repeats_.load(); }

 private:
  struct Lane;
  Status Spill(Lane& lane) const;

  const ViewPlan& view_;
  const Options options_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  mutable std::atomic<std::size_t> repeats_{0};
};

}  // namespace sw::feature
