// EncodeBatch, DecodeBatch and Fingerprint. The binary form, version 0, little-endian:
//
//   "SWBT" version:u8 reader_min:u8 columns:varint rows:varint column*
//   column = name:text type:u8 flags:u8 [null bits] value*     text = bytes:varint byte*
//
// flags: 1 nullable, 2 null bits follow (one bit a row, low first). Values of null rows are left
// out. bool: one bit a value; int64 and timestamp: zigzag varint; float64: 8 bytes; string: text.
// Each batch has exactly one form, so that equal batches have equal bytes.
#include <bit>
#include <cstring>
#include <set>
#include <utility>

#include "base/errors.h"
#include "base/hash.h"
#include "data/batch.h"

namespace sw::data {
namespace {

constexpr std::string_view kMagic = "SWBT";
constexpr std::uint8_t kVersion = 0;    // of this writer
constexpr std::uint8_t kReaderMin = 0;  // the lowest reader that understands it
constexpr std::uint8_t kNullable = 1;
constexpr std::uint8_t kHasNulls = 2;
// A row of the cheapest column (null) takes one bit encoded and at most 17 bytes decoded: with
// this, memory never exceeds about 140 times the input.
constexpr std::uint64_t kRowsPerByteMax = 8;

void AppendVarint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
}

void AppendBytes(std::string& out, std::string_view text) {
  AppendVarint(out, text.size());
  out.append(text);
}

void AppendFixed64(std::string& out, std::uint64_t bits) {
  char bytes[8];
  for (int i = 0; i < 8; ++i) bytes[i] = static_cast<char>(bits >> (8 * i));
  out.append(bytes, sizeof(bytes));
}

std::uint64_t ZigZag(std::int64_t value) {
  return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}

std::int64_t UnZigZag(std::uint64_t value) {
  return static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
}

// Packs bits, low first.
class BitWriter {
 public:
  explicit BitWriter(std::string& out) : out_(out) {}
  void Append(bool bit) {
    if (used_ == 0) out_.push_back(0);
    if (bit) out_.back() = static_cast<char>(out_.back() | (1 << used_));
    used_ = (used_ + 1) % 8;
  }

 private:
  std::string& out_;
  int used_ = 0;
};

// Whether the values lie in a file as they lie in memory.
bool IsPlain(Type type, std::size_t nulls) {
  return type == Type::kFloat64 && nulls == 0 && std::endian::native == std::endian::little;
}

void AppendValues(std::string& out, const Column& column) {
  if (IsPlain(column.type(), column.null_count())) {
    out.append(reinterpret_cast<const char*>(column.doubles().data()), column.size() * sizeof(double));
    return;
  }
  BitWriter bits(out);
  for (std::size_t row = 0; row < column.size(); ++row) {
    if (column.IsNull(row)) continue;
    switch (column.type()) {
      case Type::kBool: bits.Append(column.Int(row) != 0); break;
      case Type::kInt64:
      case Type::kTimestamp: AppendVarint(out, ZigZag(column.Int(row))); break;
      case Type::kFloat64: AppendFixed64(out, std::bit_cast<std::uint64_t>(column.Double(row))); break;
      case Type::kString: AppendBytes(out, column.String(row)); break;
    }
  }
}

void AppendColumn(std::string& out, const Field& field, const Column& column) {
  AppendBytes(out, field.name);
  out.push_back(static_cast<char>(field.type));
  const bool has_nulls = column.null_count() > 0;
  out.push_back(static_cast<char>((field.nullable ? kNullable : 0) | (has_nulls ? kHasNulls : 0)));
  if (has_nulls) {
    BitWriter bits(out);
    for (std::size_t row = 0; row < column.size(); ++row) bits.Append(column.IsNull(row));
  }
  AppendValues(out, column);
}

// About what it takes encoded, so that the bytes seldom move while they grow.
std::size_t EncodedBytes(const Batch& batch) {
  std::size_t bytes = 64;
  for (std::size_t i = 0; i < batch.num_columns(); ++i) {
    const Column& column = batch.column(i);
    const std::size_t rows = column.size();
    bytes += batch.schema().fields[i].name.size() + 16 + rows / 8;
    if (column.type() != Type::kString) bytes += rows * (column.type() == Type::kFloat64 ? sizeof(double) : 4);
    else if (rows > 0) bytes += 2 * rows + static_cast<std::size_t>(column.String(rows - 1).end() - column.String(0).begin());
  }
  return bytes;
}

std::unexpected<Error> Malformed(std::string_view what) {
  return InvalidArgument("encoded batch: {}; the bytes are damaged or of another kind", what);
}

std::uint64_t Fixed64At(std::string_view bytes, std::uint64_t index) {
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    bits |= static_cast<std::uint64_t>(static_cast<std::uint8_t>(bytes[8 * index + i])) << (8 * i);
  }
  return bits;
}

// Reads from bytes that anybody may have written: every length is checked before it is used.
class Decoder {
 public:
  explicit Decoder(std::string_view bytes) : rest_(bytes) {}

  std::string_view rest() const { return rest_; }

  Result<std::string_view> Bytes(std::uint64_t count) {
    if (count > rest_.size()) return Malformed("ends too early");
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }
  Result<std::uint8_t> Byte() { return static_cast<std::uint8_t>(SW_TRY(Bytes(1))[0]); }
  Result<std::string_view> Text() { return Bytes(SW_TRY(Varint())); }

  Result<std::uint64_t> Varint() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const std::uint64_t byte = SW_TRY(Byte());
      if (shift == 63 && byte > 1) break;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        if (byte == 0 && shift > 0) return Malformed("a number is longer than it needs to be");
        return value;
      }
    }
    return Malformed("a number exceeds 64 bits");
  }

  Result<std::uint64_t> Fixed64() {
    return Fixed64At(SW_TRY(Bytes(8)), 0);
  }

  // `count` packed bits; the unused ones of the last byte must be 0.
  Result<std::string_view> Bits(std::uint64_t count) {
    const std::string_view bits = SW_TRY(Bytes((count + 7) / 8));
    if (count % 8 != 0 && (static_cast<std::uint8_t>(bits.back()) >> (count % 8)) != 0) {
      return Malformed("padding is not zero");
    }
    return bits;
  }

 private:
  std::string_view rest_;
};

bool BitAt(std::string_view bits, std::uint64_t index) {
  return ((static_cast<std::uint8_t>(bits[index / 8]) >> (index % 8)) & 1) != 0;
}

Status DecodeValue(Decoder& decoder, Column& column) {
  if (column.type() == Type::kFloat64) {
    column.AppendDouble(std::bit_cast<double>(SW_TRY(decoder.Fixed64())));
  } else if (column.type() == Type::kString) {
    column.AppendString(SW_TRY(decoder.Text()));
  } else {
    column.AppendInt(UnZigZag(SW_TRY(decoder.Varint())));
  }
  return Ok();
}

Result<Field> DecodeField(Decoder& decoder, std::uint8_t& flags) {
  Field field;
  field.name = SW_TRY(decoder.Text());
  const std::uint8_t type = SW_TRY(decoder.Byte());
  if (type > static_cast<std::uint8_t>(Type::kTimestamp)) return Malformed("a column has an unknown type");
  field.type = static_cast<Type>(type);
  flags = SW_TRY(decoder.Byte());
  if (flags > (kNullable | kHasNulls)) return Malformed("a column has unknown flags");
  field.nullable = (flags & kNullable) != 0;
  return field;
}

Result<Column> DecodeColumn(Decoder& decoder, const Field& field, std::uint8_t flags, std::uint64_t rows) {
  std::string_view nulls;
  std::uint64_t values = rows;
  if ((flags & kHasNulls) != 0) {
    nulls = SW_TRY(decoder.Bits(rows));
    for (const char byte : nulls) values -= static_cast<std::uint64_t>(std::popcount(static_cast<std::uint8_t>(byte)));
    if (values == rows) return Malformed("null bits without a null");
  }
  std::string_view bools;
  if (field.type == Type::kBool) bools = SW_TRY(decoder.Bits(values));
  if (field.type != Type::kBool && values > decoder.rest().size()) return Malformed("ends too early");
  if (IsPlain(field.type, nulls.size()) && values <= decoder.rest().size() / 8) {  // each checked at once
    const std::string_view bytes = SW_TRY(decoder.Bytes(8 * values));
    std::vector<double> doubles(values);
    if (!bytes.empty()) std::memcpy(doubles.data(), bytes.data(), bytes.size());
    return Column(std::move(doubles));
  }
  Column column(field.type);
  column.Reserve(rows);
  for (std::uint64_t row = 0, value = 0; row < rows; ++row) {
    if (!nulls.empty() && BitAt(nulls, row)) {
      column.AppendNull();
    } else if (field.type == Type::kBool) {
      column.AppendBool(BitAt(bools, value++));
    } else {
      SW_TRY(DecodeValue(decoder, column));
    }
  }
  return column;
}

}  // namespace

std::string EncodeBatch(const Batch& batch) {
  std::string out;
  AppendEncoded(batch, out);
  return out;
}

void AppendEncoded(const Batch& batch, std::string& out) {
  out.reserve(out.size() + EncodedBytes(batch));
  out.append(kMagic);
  out.push_back(static_cast<char>(kVersion));
  out.push_back(static_cast<char>(kReaderMin));
  AppendVarint(out, batch.num_columns());
  AppendVarint(out, batch.num_rows());
  for (std::size_t i = 0; i < batch.num_columns(); ++i) {
    AppendColumn(out, batch.schema().fields[i], batch.column(i));
  }
}

Result<Batch> DecodeBatch(std::string_view bytes) {
  Decoder decoder(bytes);
  if (SW_TRY(decoder.Bytes(kMagic.size())) != kMagic) return Malformed("does not begin with SWBT");
  const int version = SW_TRY(decoder.Byte());
  const int reader_min = SW_TRY(decoder.Byte());
  if (reader_min > kVersion) {
    return FailedPrecondition("encoded batch: written by format {}, needs a reader of {}, this is {}; upgrade seaworthy",
                              version, reader_min, kVersion);
  }
  const std::uint64_t columns = SW_TRY(decoder.Varint());
  const std::uint64_t rows = SW_TRY(decoder.Varint());
  if (columns > decoder.rest().size()) return Malformed("ends too early");
  if (rows / kRowsPerByteMax > decoder.rest().size() || (columns == 0 && rows > 0)) {
    return Malformed("declares more rows than it can hold");
  }
  Batch batch;
  std::set<std::string> names;
  for (std::uint64_t i = 0; i < columns; ++i) {
    std::uint8_t flags = 0;
    const Field field = SW_TRY(DecodeField(decoder, flags));
    if (!names.insert(field.name).second) return Malformed("two columns have one name");
    batch.AddColumn(field, SW_TRY(DecodeColumn(decoder, field, flags, rows)));
  }
  if (!decoder.rest().empty()) return Malformed("bytes follow the last column");
  return batch;
}

std::string Fingerprint(const Batch& batch) {
  base::Sha256 hash;
  std::string bytes = "seaworthy/fingerprint version=0\n";
  AppendVarint(bytes, batch.num_columns());
  AppendVarint(bytes, batch.num_rows());
  hash.Update(bytes);
  for (std::size_t i = 0; i < batch.num_columns(); ++i) {
    bytes.clear();
    AppendColumn(bytes, batch.schema().fields[i], batch.column(i));
    hash.Update(bytes);
  }
  return hash.FinishHex();
}

}  // namespace sw::data
