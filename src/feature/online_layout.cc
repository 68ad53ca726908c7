#include "feature/online_layout.h"

#include <charconv>
#include <cstring>
#include <span>
#include <vector>

#include "base/errors.h"

namespace sw::feature {
namespace {

constexpr std::uint8_t kVersion = 0;
constexpr std::uint8_t kReaderMin = 0;

template <typename Number>
void Put(std::string& out, Number value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

template <typename Number>
void PutAll(std::string& out, std::span<const Number> values) {
  out.append(reinterpret_cast<const char*>(values.data()), values.size_bytes());
}

std::unexpected<Error> Damaged(std::string_view what) {
  return DataLoss("online features: {}; rebuild the online store", what);
}

// Every length is checked before it is used: the bytes may be those of a damaged file.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}
  bool empty() const { return rest_.empty(); }

  Result<std::string_view> Bytes(std::uint64_t size) {
    if (size > rest_.size()) return Damaged("a value ends too early");
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }
  template <typename Number>
  Result<Number> One() {
    Number value{};
    std::memcpy(&value, SW_TRY(Bytes(sizeof value)).data(), sizeof value);
    return value;
  }
  template <typename Number>
  Status AppendTo(std::vector<Number>& out, std::size_t count) {
    const std::string_view bytes = SW_TRY(Bytes(count * sizeof(Number)));
    const std::size_t before = out.size();
    out.resize(before + count);
    if (count > 0) std::memcpy(out.data() + before, bytes.data(), bytes.size());
    return Ok();
  }

 private:
  std::string_view rest_;
};

template <typename Number>
Number At(std::string_view array, std::size_t index) {
  Number value{};
  std::memcpy(&value, array.data() + index * sizeof value, sizeof value);
  return value;
}

void PutColumn(std::string& out, const data::Column& column) {
  out.push_back(static_cast<char>(column.type()));
  out.push_back(column.null_count() > 0 ? 1 : 0);
  if (column.null_count() > 0) {
    for (std::size_t row = 0; row < column.size(); ++row) out.push_back(column.IsNull(row) ? 1 : 0);
  }
  if (column.type() == data::Type::kFloat64) return PutAll(out, column.doubles());
  if (column.type() != data::Type::kString) return PutAll(out, column.ints());
  for (std::size_t row = 0; row < column.size(); ++row) Put(out, static_cast<std::uint32_t>(column.String(row).size()));
  for (std::size_t row = 0; row < column.size(); ++row) out.append(column.String(row));
}

Status ReadStrings(Reader& reader, std::string_view nulls, std::size_t rows, data::Column& column) {
  const std::string_view sizes = SW_TRY(reader.Bytes(rows * sizeof(std::uint32_t)));
  for (std::size_t row = 0; row < rows; ++row) {
    const std::string_view text = SW_TRY(reader.Bytes(At<std::uint32_t>(sizes, row)));
    !nulls.empty() && nulls[row] != 0 ? column.AppendNull() : column.AppendString(text);
  }
  return Ok();
}

Status ReadColumn(Reader& reader, std::size_t rows, data::Column& column) {
  const auto type = SW_TRY(reader.One<std::uint8_t>());
  if (type > static_cast<std::uint8_t>(data::Type::kTimestamp)) return Damaged("a column has an unknown type");
  const auto has_nulls = SW_TRY(reader.One<std::uint8_t>());
  const std::string_view nulls = has_nulls != 0 ? SW_TRY(reader.Bytes(rows)) : std::string_view{};
  data::Column other(static_cast<data::Type>(type));
  const bool fits = other.type() == column.type();
  data::Column& into = fits ? column : other;
  if (into.type() == data::Type::kString) {
    SW_TRY(ReadStrings(reader, nulls, rows, into));
  } else {
    const std::string_view values = SW_TRY(reader.Bytes(rows * sizeof(std::int64_t)));
    for (std::size_t row = 0; row < rows; ++row) {
      if (!nulls.empty() && nulls[row] != 0) {
        into.AppendNull();
      } else if (into.type() == data::Type::kFloat64) {
        into.AppendDouble(At<double>(values, row));
      } else {
        into.AppendInt(At<std::int64_t>(values, row));
      }
    }
  }
  if (fits) return Ok();
  if (other.null_count() < rows) return Damaged("a column is of another type than its view's");
  for (std::size_t row = 0; row < rows; ++row) column.AppendNull();
  return Ok();
}

void PutBigEndian(std::string& out, std::uint64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift));
}

}  // namespace

std::int64_t ChunkOf(const ViewPlan& view, TimeUs time) {
  const std::int64_t chunk = time / view.chunk_us;
  return time % view.chunk_us < 0 ? chunk - 1 : chunk;
}

std::string ChunkKey(const ViewPlan& view, std::string_view entity_key, std::int64_t chunk) {
  std::string key;
  key.reserve(view.prefix.size() + entity_key.size() + 9);
  key.append(view.prefix).append(1, 'c').append(entity_key);
  PutBigEndian(key, static_cast<std::uint64_t>(chunk) ^ (1ull << 63));  // so that keys lie in the order of time
  return key;
}

std::string OffsetKey(const ViewPlan& view) { return "v|" + view.prefix; }

std::int64_t ParseOffset(const std::optional<std::string>& value) {
  std::int64_t offset = 0;
  if (value) std::from_chars(value->data(), value->data() + value->size(), offset);
  return offset;
}

std::string LifetimeKey(const ViewPlan& view, std::string_view entity_key) {
  std::string key = view.prefix;
  return key.append(1, 'l').append(entity_key);
}

std::string EncodeHistory(const History& rows) {
  std::string out;
  out.reserve(8 + rows.num_rows() * (24 + rows.values.num_columns() * 9));
  Put(out, kVersion);
  Put(out, kReaderMin);
  Put(out, static_cast<std::uint16_t>(rows.values.num_columns()));
  Put(out, static_cast<std::uint32_t>(rows.num_rows()));
  PutAll(out, std::span<const TimeUs>(rows.event_time));
  PutAll(out, std::span<const TimeUs>(rows.available_at));
  PutAll(out, std::span<const std::uint64_t>(rows.tie));
  for (std::size_t i = 0; i < rows.values.num_columns(); ++i) PutColumn(out, rows.values.column(i));
  return out;
}

Status DecodeHistory(std::string_view bytes, History& into) {
  Reader reader(bytes);
  SW_TRY(reader.One<std::uint8_t>());
  if (SW_TRY(reader.One<std::uint8_t>()) > kVersion) return Damaged("written by a newer seaworthy");
  if (SW_TRY(reader.One<std::uint16_t>()) != into.values.num_columns()) return Damaged("not the view's columns");
  const auto rows = SW_TRY(reader.One<std::uint32_t>());
  SW_TRY(reader.AppendTo(into.event_time, rows));
  SW_TRY(reader.AppendTo(into.available_at, rows));
  SW_TRY(reader.AppendTo(into.tie, rows));
  for (std::size_t i = 0; i < into.values.num_columns(); ++i) SW_TRY(ReadColumn(reader, rows, into.values.column(i)));
  if (!reader.empty()) return Damaged("bytes follow the last column");
  return Ok();
}

}  // namespace sw::feature
