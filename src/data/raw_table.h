// RawTable: a table of any Arrow types, passed through as it came: 32-bit numbers, lists, structs, maps,
// dictionaries, decimals, bytes. Where rows are computed with, use Batch, which knows five types.
//
//   RawTable rows = SW_TRY(RawFiles::Open("stats.parquet")).Gather({"driver_id", "conv_rate"}, {3, 17, 18});
//   RawTable mine = SW_TRY(rows.Rename({{"driver_id", "driver"}}).Take(chosen));   // -1: a row of nulls
//   SW_TRY(mine.WriteParquet("mine.parquet"));
//
// Copies share their memory. Immutable.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace sw::data {

// One cell. Integers of all widths are int64 (of uint64 the bits); float32 is a float; decimals, and whatever has
// no alternative here, are text.
struct RawValue {
  using List = std::vector<RawValue>;
  using Pairs = std::vector<std::pair<RawValue, RawValue>>;  // of a map, or the fields of a struct
  struct Bytes {
    std::string bytes;
    bool operator==(const Bytes&) const = default;
  };
  struct Time {
    TimeUs us = 0;
    int ns = 0;  // below the microsecond, 0 to 999
    bool operator==(const Time&) const = default;
  };
  std::variant<std::monostate, bool, std::int64_t, float, double, std::string, Bytes, Time, List, Pairs> value;
  bool IsNull() const { return value.index() == 0; }
  bool operator==(const RawValue&) const = default;
};

// Times of a column in one unit; a time beyond what int64 holds is the greatest or the least that it does.
enum class TimeUnit : std::uint8_t { kMicroseconds, kNanoseconds };
struct RawTimes {
  std::vector<std::int64_t> values;
  std::vector<std::uint8_t> is_null;
};

// Keys of rows, equal where their values are: an integer whatever its width, also as a float (a column of pandas
// with a gap); a text whether or not it is in a dictionary. A row with a null or NaN in one of the columns has none.
struct RawKeys {
  std::vector<std::uint8_t> is_null;
  bool is_number = false;                // one column of integers: `numbers`; else `bytes`
  std::vector<std::int64_t> numbers;
  std::string bytes;
  std::vector<std::size_t> ends;         // of each row's key in bytes

  std::size_t size() const { return is_null.size(); }
  std::string_view Bytes(std::size_t row) const;  // not of numbers
};
std::string KeyOfNumber(std::int64_t number);               // as it stands in RawKeys::bytes
std::optional<std::int64_t> NumberOfKey(std::string_view key);  // none: it is another kind of key

struct RawColumn {
  std::string name;
  std::string type;        // as pyarrow and Feast write it: "int64", "timestamp[us, tz=UTC]", "list<element: float>"
  bool is_time = false;    // a timestamp or a date
  bool is_nanos = false;   // a timestamp of nanoseconds
};

class RawTable {
 public:
  RawTable();  // without columns and rows
  std::size_t num_rows() const;
  const std::vector<RawColumn>& columns() const;
  bool Has(std::string_view column) const;
  Result<std::size_t> Index(std::string_view column, std::string_view table) const;  // NOT_FOUND with near misses
  std::size_t bytes() const;  // that the values take, about

  Result<RawTable> Select(const std::vector<std::string>& names, std::string_view table) const;
  Result<RawTable> Rename(const std::map<std::string, std::string>& names) const;  // others stay
  // -1: a row of nulls.
  Result<RawTable> Take(std::span<const std::int64_t> rows) const;
  Result<RawTable> Beside(const RawTable& more) const;  // columns of both; one without columns fits beside any
  // Rows of all, in order; a column that some lack is null there, and types become the wider one.
  static Result<RawTable> Concat(const std::vector<RawTable>& parts);
  // With the types and the order of columns that `like` has. INVALID_ARGUMENT where a value would change.
  Result<RawTable> As(const RawTable& like) const;
  // A time without zone becomes UTC. Other columns stay.
  Result<RawTable> InUtc(const std::vector<std::string>& names) const;
  static Result<RawTable> OfTexts(const std::vector<std::pair<std::string, std::vector<std::string>>>& columns);
  static Result<RawTable> OfTimes(const std::string& name, const std::vector<TimeUs>& times);  // UTC

  // INVALID_ARGUMENT for a column that holds no times. A text is read as base::ParseTime reads it.
  Result<RawTimes> Times(std::size_t column, TimeUnit unit) const;
  Result<RawKeys> Keys(const std::vector<std::size_t>& columns) const;
  Result<RawValue> Value(std::size_t row, std::size_t column) const;
  // Bytes that are equal where the values of the row are, whatever the memory looks like.
  Status AppendContent(std::size_t row, std::size_t column, std::string& out) const;

  // Replaces the file as a whole, on disk before it returns.
  Status WriteParquet(const std::string& path) const;
  // An Arrow IPC stream, of all batches.
  static Result<RawTable> FromStream(std::string_view bytes, std::size_t bytes_max);

  struct Impl;  // room data's own
  explicit RawTable(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  const Impl& impl() const { return *impl_; }

 private:
  std::shared_ptr<const Impl> impl_;
};

}  // namespace sw::data
