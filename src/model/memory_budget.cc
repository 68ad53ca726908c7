#include "model/memory_budget.h"

#include <algorithm>

#include "base/errors.h"

namespace sw::model {
namespace {

constexpr std::uint64_t kGib = 1ull << 30;
constexpr std::size_t kHoldersNamed = 8;

// The greatest first; what is left of `used` is the process's own.
std::string HoldersText(const MemoryUse& use) {
  std::vector<MemoryHolder> holders = use.holders;
  std::ranges::stable_sort(holders, std::ranges::greater{}, &MemoryHolder::bytes);
  std::string text;
  std::uint64_t rest = use.used;
  for (std::size_t i = 0; i < std::min(holders.size(), kHoldersNamed); ++i) {
    text += fmt::format("{} {}, ", holders[i].name, BytesText(holders[i].bytes));
    rest -= std::min(rest, holders[i].bytes);
  }
  return text + fmt::format("the rest {}", BytesText(rest));
}

bool HasRoom(const MemoryUse& use, std::uint64_t bytes) { return use.bytes_max == 0 || use.used + use.promised + bytes <= use.bytes_max; }

}  // namespace

std::string BytesText(std::uint64_t bytes) {
  if (bytes >= kGib) return fmt::format("{:.2f} GiB", static_cast<double>(bytes) / static_cast<double>(kGib));
  return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / (1 << 20));
}

Status CheckRoom(std::string_view what, const LoadNeed& need, const MemoryUse& use) {
  if (HasRoom(use, need.peak)) return Ok();
  const std::string promised = use.promised == 0 ? "" : fmt::format(", and {} are promised to other loads", BytesText(use.promised));
  return ResourceExhausted(
      "no room for {}: it may take {} while it is loaded and {} after; {} of {} are used ({}){} (limit memory_bytes_max); remove an "
      "endpoint that is not needed, or give the process more memory",
      what, BytesText(need.peak), BytesText(need.held), BytesText(use.used), BytesText(use.bytes_max), HoldersText(use), promised);
}

std::uint64_t MemoryBytesMax(std::uint64_t setting, std::uint64_t bytes_there) {
  return setting != 0 ? setting : bytes_there - std::min(bytes_there / 8, kGib);
}

MemoryBudget::MemoryBudget(Options options)
    : options_(std::move(options)),
      refused_(options_.counters->Get("model_refused_total", "Loads turned away.", {{"limit", "memory_bytes_max"}})),
      used_gauge_(options_.counters->Get("model_memory_used_bytes", "Memory that the process and those that it runs have for themselves.")) {
  options_.counters->Get("model_memory_max_bytes", "What they may have before a load is refused; 0: no limit.")
      .Set(static_cast<std::int64_t>(options_.bytes_max));
}

MemoryBudget::Room::~Room() {
  if (budget_ == nullptr) return;
  const std::lock_guard lock(budget_->mutex_);
  budget_->promised_ -= bytes_;
}

bool MemoryBudget::TryTake(std::uint64_t bytes) {
  const std::uint64_t used = options_.used();
  const std::lock_guard lock(mutex_);
  if (!HasRoom({.bytes_max = options_.bytes_max, .used = used, .promised = promised_}, bytes)) return false;
  promised_ += bytes;
  return true;
}

Result<MemoryBudget::Room> MemoryBudget::Take(std::string_view what, const LoadNeed& need, const std::function<void()>& make_room) {
  if (TryTake(need.peak)) return Room(*this, need.peak);
  if (make_room) make_room();
  if (TryTake(need.peak)) return Room(*this, need.peak);
  refused_.Add();
  if (Status refused = CheckRoom(what, need, Use()); !refused) return std::unexpected(std::move(refused).error());
  return ResourceExhausted("no room for {} a moment ago (limit memory_bytes_max); try again", what);
}

MemoryUse MemoryBudget::Use() const {
  MemoryUse use{.bytes_max = options_.bytes_max, .used = options_.used()};
  if (options_.holders) use.holders = options_.holders();
  const std::lock_guard lock(mutex_);
  use.promised = promised_;
  return use;
}

void MemoryBudget::Note() const { used_gauge_.Set(static_cast<std::int64_t>(options_.used())); }

}  // namespace sw::model
