#include "feast/online_rows.h"

#include <cstring>
#include <tuple>

#include "base/errors.h"
#include "base/hash.h"
#include "feast/wire.h"

namespace sw::feast {
namespace {

// format, flags, count, layout, event, created; ends; values. Little-endian.
constexpr char kFormat = 1;
constexpr std::size_t kHeadBytes = 1 + 1 + 2 + 8 + 8 + 8;
constexpr char kWide = 1;
constexpr std::size_t kNarrowMax = 0xffff;

template <typename Number>
Number Load(const char* at) {
  Number number;
  std::memcpy(&number, at, sizeof number);
  return number;
}

std::string LayoutKey(std::uint64_t id) {
  std::string key = "l";
  AppendFixed(key, id);
  return key;
}

std::string EncodeLayout(const RowLayout& layout) {
  std::string bytes;
  for (const std::string& name : layout.names) AppendBytesField(bytes, 1, name);
  return bytes;
}

bool IsNewer(std::string_view stored, std::string_view fresh) {
  const auto old_row = OnlineRow::Parse(stored);
  const auto row = OnlineRow::Parse(fresh);
  if (!old_row || !row) return row.has_value();
  return std::tuple(row->event(), row->created()) >= std::tuple(old_row->event(), old_row->created());
}

}  // namespace

RowLayout RowLayout::Of(std::span<const Field> features) {
  RowLayout layout;
  for (const Field& field : features) layout.names.push_back(field.name);
  layout.id = base::Hash64(EncodeLayout(layout));
  return layout;
}

std::optional<OnlineRow> OnlineRow::Parse(std::string_view record) {
  if (record.size() < kHeadBytes || record[0] != kFormat) return std::nullopt;
  OnlineRow row;
  row.is_wide_ = (record[1] & kWide) != 0;
  row.count_ = Load<std::uint16_t>(record.data() + 2);
  row.layout_ = Load<std::uint64_t>(record.data() + 4);
  row.event_ = Load<std::int64_t>(record.data() + 12);
  row.created_ = Load<std::int64_t>(record.data() + 20);
  const std::size_t ends_bytes = row.count_ * (row.is_wide_ ? sizeof(std::uint32_t) : sizeof(std::uint16_t));
  if (record.size() < kHeadBytes + ends_bytes) return std::nullopt;
  row.ends_ = record.data() + kHeadBytes;
  row.values_ = record.substr(kHeadBytes + ends_bytes);
  return row;
}

void RowWriter::Finish(TimeUs event, TimeUs created, std::string& out) const {
  const bool is_wide = bytes_.size() > kNarrowMax;
  out.reserve(out.size() + kHeadBytes + ends_.size() * 4 + bytes_.size());
  out += kFormat;
  out += is_wide ? kWide : '\0';
  AppendFixed(out, static_cast<std::uint16_t>(ends_.size()));
  AppendFixed(out, layout_);
  AppendFixed(out, event);
  AppendFixed(out, created);
  for (const std::uint32_t end : ends_) {
    if (is_wide) AppendFixed(out, end);
    else AppendFixed(out, static_cast<std::uint16_t>(end));
  }
  out += bytes_;
}

void AppendRowKey(std::string_view project, std::string_view entity_key, std::string_view view, std::string& out) {
  out += 'r';
  AppendVarint(out, project.size());
  out += project;
  out += entity_key;
  out += view;
}

Status OnlineRows::Write(std::span<const store::OnlineWrite> records) { return store_->Merge(records, IsNewer); }

Status OnlineRows::Know(const RowLayout& layout) {
  {
    const std::scoped_lock lock(mutex_);
    if (layouts_.contains(layout.id)) return Ok();
  }
  SW_TRY(store_->PutNow({{LayoutKey(layout.id), EncodeLayout(layout)}}));
  const std::scoped_lock lock(mutex_);
  layouts_.emplace(layout.id, std::make_shared<const RowLayout>(layout));
  return Ok();
}

Result<std::shared_ptr<const RowLayout>> OnlineRows::Layout(std::uint64_t id) const {
  {
    const std::scoped_lock lock(mutex_);
    if (const auto found = layouts_.find(id); found != layouts_.end()) return found->second;
  }
  const std::string key = LayoutKey(id);
  auto values = SW_TRY(store_->GetNow(std::span(&key, 1)));
  if (!values[0]) return NotFound("online rows: a record names a layout that is not here");
  auto layout = std::make_shared<RowLayout>();
  layout->id = id;
  WireReader reader(*values[0]);
  WireReader::Field field;
  while (reader.Next(&field)) layout->names.emplace_back(field.bytes);
  const std::scoped_lock lock(mutex_);
  return layouts_.emplace(id, std::move(layout)).first->second;
}

Status OnlineRows::Visit(std::span<const std::string_view> keys, const std::function<Status(Rows)>& visit) const {
  return store_->Visit(keys, [&](store::OnlineStore::Views records) {
    std::vector<std::optional<OnlineRow>> rows(records.size());
    for (std::size_t i = 0; i < records.size(); ++i) {
      if (records[i]) rows[i] = OnlineRow::Parse(*records[i]);
    }
    return visit(rows);
  });
}

}  // namespace sw::feast
