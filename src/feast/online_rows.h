// OnlineRows: the newest row of each entity of each view, as it was pushed, written or materialized.
//
//   OnlineRows rows(store);
//   SW_TRY(rows.Write("credit", view, {{.entity_key = key, .event = at, .values = {...}}}));
//   SW_TRY(rows.Visit(keys, [&](std::span<const std::optional<OnlineRow>> found) { ... }));
//
// Newest is by event time, then by created time (none is the oldest); of equals the later write wins. That is decided
// inside the store's transaction, so an older row that comes later never wins, whoever writes at once. A record is read
// in place. Rows are nobody's cache: they live in a durable store. Thread-safe.
#pragma once

#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "feast/project.h"
#include "store/online.h"

namespace sw::feast {

inline constexpr TimeUs kNoCreated = INT64_MIN;

// Which features a record holds, in which order; `id` is a hash of their names.
struct RowLayout {
  std::uint64_t id = 0;
  std::vector<std::string> names;
  static RowLayout Of(std::span<const Field> features);
};

// A record, read in place: a view.
class OnlineRow {
 public:
  // None: bytes that no record has.
  static std::optional<OnlineRow> Parse(std::string_view record);
  std::uint64_t layout() const { return layout_; }
  TimeUs event() const { return event_; }
  TimeUs created() const { return created_; }
  std::size_t size() const { return count_; }
  // Bytes of a Value; of a damaged record none.
  std::string_view Value(std::size_t i) const {
    if (i >= count_) return {};
    const std::size_t begin = i == 0 ? 0 : End(i - 1);
    const std::size_t end = End(i);
    if (begin > end || end > values_.size()) return {};
    return {values_.data() + begin, end - begin};
  }

 private:
  std::size_t End(std::size_t i) const {
    std::uint32_t wide = 0;
    std::uint16_t narrow = 0;
    if (is_wide_) std::memcpy(&wide, ends_ + i * sizeof wide, sizeof wide);
    else std::memcpy(&narrow, ends_ + i * sizeof narrow, sizeof narrow);
    return is_wide_ ? wide : narrow;
  }
  std::uint64_t layout_ = 0;
  TimeUs event_ = 0;
  TimeUs created_ = kNoCreated;
  std::size_t count_ = 0;
  bool is_wide_ = false;  // ends of 4 bytes, not 2
  const char* ends_ = nullptr;
  std::string_view values_;
};

// Appends one record. Values stand in the layout's order.
class RowWriter {
 public:
  explicit RowWriter(std::uint64_t layout) : layout_(layout) {}
  void Begin() {
    ends_.clear();
    bytes_.clear();
  }
  std::string& bytes() { return bytes_; }  // append one value, then call Next
  void Next() { ends_.push_back(static_cast<std::uint32_t>(bytes_.size())); }
  void Finish(TimeUs event, TimeUs created, std::string& out) const;

 private:
  std::uint64_t layout_;
  std::vector<std::uint32_t> ends_;
  std::string bytes_;
};

// The record's key, for an entity key in Feast's serialisation. Views of one entity lie side by side.
void AppendRowKey(std::string_view project, std::string_view entity_key, std::string_view view, std::string& out);

class OnlineRows {
 public:
  explicit OnlineRows(store::OnlineStore* store) : store_(store) {}

  // Records by their keys, all in one transaction; sorted is fastest. The layout has to be known (Know).
  Status Write(std::span<const store::OnlineWrite> records);
  Status Know(const RowLayout& layout);
  // What is there for each key; `visit` runs at once, on rows that are gone when it returns.
  using Rows = std::span<const std::optional<OnlineRow>>;
  Status Visit(std::span<const std::string_view> keys, const std::function<Status(Rows)>& visit) const;
  // NOT_FOUND: no such layout was ever written.
  Result<std::shared_ptr<const RowLayout>> Layout(std::uint64_t id) const;
  Status Sync() { return store_->Sync(); }

 private:
  store::OnlineStore* const store_;
  mutable std::mutex mutex_;
  mutable std::map<std::uint64_t, std::shared_ptr<const RowLayout>> layouts_;  // guarded by mutex_
};

}  // namespace sw::feast
