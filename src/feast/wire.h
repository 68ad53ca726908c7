// The few words of protobuf's wire format that values are written and read with, in place. Hostile input. Views.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace sw::feast {

inline void AppendVarint(std::string& out, std::uint64_t value) {
  char bytes[10];
  std::size_t size = 0;
  for (; value >= 0x80; value >>= 7) bytes[size++] = static_cast<char>(value | 0x80);
  bytes[size++] = static_cast<char>(value);
  out.append(bytes, size);
}

enum class WireType : std::uint8_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

inline void AppendTag(std::string& out, int field, WireType type) {
  AppendVarint(out, static_cast<std::uint64_t>(field) << 3 | static_cast<std::uint64_t>(type));
}
inline void AppendBytesField(std::string& out, int field, std::string_view bytes) {
  AppendTag(out, field, WireType::kBytes);
  AppendVarint(out, bytes.size());
  out += bytes;
}
template <typename Number>
void AppendFixed(std::string& out, Number number) {
  char bytes[sizeof(Number)];
  std::memcpy(bytes, &number, sizeof(Number));
  out.append(bytes, sizeof(Number));
}

// One message, field by field.
class WireReader {
 public:
  explicit WireReader(std::string_view bytes) : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  bool AtEnd() const { return at_ == end_; }
  bool failed() const { return failed_; }  // what was read is no message

  // The next field's number and value; false at the end, or when it failed.
  struct Field {
    int number = 0;
    WireType type = WireType::kVarint;
    std::uint64_t number_value = 0;   // of all but kBytes
    std::string_view bytes = {};      // of kBytes
  };
  bool Next(Field* field) {
    if (at_ == end_) return false;
    std::uint64_t tag = 0;
    if (!TakeVarint(&tag)) return Fail();
    field->number = static_cast<int>(tag >> 3 & 0x1fffffff);
    field->type = static_cast<WireType>(tag & 7);
    switch (field->type) {
      case WireType::kVarint: return TakeVarint(&field->number_value) || Fail();
      case WireType::kFixed64: return TakeFixed<std::uint64_t>(&field->number_value) || Fail();
      case WireType::kFixed32: return TakeFixed<std::uint32_t>(&field->number_value) || Fail();
      case WireType::kBytes: break;
      default: return Fail();
    }
    std::uint64_t size = 0;
    if (!TakeVarint(&size) || size > static_cast<std::uint64_t>(end_ - at_)) return Fail();
    field->bytes = {at_, static_cast<std::size_t>(size)};
    at_ += size;
    return true;
  }

  bool TakeVarint(std::uint64_t* value) {
    std::uint64_t result = 0;
    for (int shift = 0; shift < 64 && at_ != end_; shift += 7) {
      const auto byte = static_cast<unsigned char>(*at_++);
      result |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) {
        *value = result;
        return true;
      }
    }
    return false;
  }
  template <typename Number>
  bool TakeFixed(std::uint64_t* value) {
    if (static_cast<std::size_t>(end_ - at_) < sizeof(Number)) return false;
    Number number = 0;
    std::memcpy(&number, at_, sizeof(Number));
    at_ += sizeof(Number);
    *value = number;
    return true;
  }

 private:
  bool Fail() {
    failed_ = true;
    at_ = end_;
    return false;
  }
  const char* at_;
  const char* end_;
  bool failed_ = false;
};

}  // namespace sw::feast
