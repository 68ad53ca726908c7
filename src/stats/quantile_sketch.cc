#include "stats/quantile_sketch.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/errors.h"

namespace sw::stats {
namespace {

constexpr int kMantissaBits = 7;  // of a bin: 128 bins between powers of two
constexpr int kShift = 52 - kMantissaBits;
constexpr double kSmallest = 0x1p-64;
constexpr double kLargest = 0x1p64;
constexpr std::int32_t kBins = 128 << kMantissaBits;  // of one sign: 1 to kBins, in order of magnitude
constexpr std::int32_t kOverflow = kBins + 1, kInfinite = kBins + 2, kNan = kBins + 3;

std::int32_t BinOfMagnitude(double magnitude) {
  if (magnitude < kSmallest) return 0;
  if (std::isinf(magnitude)) return kInfinite;
  if (magnitude >= kLargest) return kOverflow;
  const std::uint64_t above = std::bit_cast<std::uint64_t>(magnitude) - std::bit_cast<std::uint64_t>(kSmallest);
  return static_cast<std::int32_t>(above >> kShift) + 1;
}

std::int32_t BinOf(double value) {
  if (std::isnan(value)) return kNan;
  return value < 0 ? -BinOfMagnitude(-value) : BinOfMagnitude(value);
}

double MiddleOf(std::int32_t bin) {
  if (bin < 0) return -MiddleOf(-bin);
  if (bin == 0) return 0;
  if (bin == kOverflow) return kLargest;
  if (bin == kInfinite) return std::numeric_limits<double>::infinity();
  if (bin == kNan) return std::numeric_limits<double>::quiet_NaN();
  const std::uint64_t lower = std::bit_cast<std::uint64_t>(kSmallest) + (static_cast<std::uint64_t>(bin - 1) << kShift);
  return std::bit_cast<double>(lower + (1ull << (kShift - 1)));
}

}  // namespace

void QuantileSketch::Add(double value) {
  ++bins_[BinOf(value)];
  ++count_;
}

void QuantileSketch::Merge(const QuantileSketch& other) {
  for (const auto& [bin, count] : other.bins_) bins_[bin] += count;
  count_ += other.count_;
}

std::optional<double> QuantileSketch::Quantile(double q) const {
  if (count_ == 0) return std::nullopt;
  const auto rank = static_cast<std::int64_t>(std::floor(q * static_cast<double>(count_ - 1)));
  std::int64_t before = 0;
  for (const auto& [bin, count] : bins_) {
    before += count;
    if (rank < before) return MiddleOf(bin);
  }
  return MiddleOf(bins_.rbegin()->first);
}

std::string QuantileSketch::Encode() const {
  std::string bytes(1, '\0');  // version
  for (const auto& [bin, count] : bins_) {
    bytes.append(reinterpret_cast<const char*>(&bin), sizeof bin);
    bytes.append(reinterpret_cast<const char*>(&count), sizeof count);
  }
  return bytes;
}

Result<QuantileSketch> QuantileSketch::Decode(std::string_view bytes) {
  constexpr std::size_t kEntryBytes = sizeof(std::int32_t) + sizeof(std::int64_t);
  if (bytes.empty() || bytes[0] != 0 || (bytes.size() - 1) % kEntryBytes != 0) {
    return DataLoss("quantile sketch: {} bytes are not a state of version 0", bytes.size());
  }
  QuantileSketch sketch;
  for (bytes.remove_prefix(1); !bytes.empty(); bytes.remove_prefix(kEntryBytes)) {
    std::int32_t bin = 0;
    std::int64_t count = 0;
    std::memcpy(&bin, bytes.data(), sizeof bin);
    std::memcpy(&count, bytes.data() + sizeof bin, sizeof count);
    const bool is_next = sketch.bins_.empty() || sketch.bins_.rbegin()->first < bin;
    if (bin < -kInfinite || bin > kNan || !is_next || count <= 0 || count > std::numeric_limits<std::int64_t>::max() - sketch.count_) {
      return DataLoss("quantile sketch: bin {} of {} values cannot be", bin, count);
    }
    sketch.bins_.emplace_hint(sketch.bins_.end(), bin, count);
    sketch.count_ += count;
  }
  return sketch;
}

}  // namespace sw::stats
