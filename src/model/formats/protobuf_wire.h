// Protobuf's wire format, field by field, for a pass over bytes whose messages another library parses.
// Hostile input: borrows the bytes, allocates nothing.
//
//   Wire wire(bytes);
//   while (!wire.AtEnd()) {
//     const auto field = wire.Next();
//     if (!field) return InvalidArgument(...);
//   }
//
// One owner.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sw::model {

enum class WireType : std::uint8_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

struct WireField {
  std::uint64_t number = 0;
  std::string_view raw;  // all of it, with its tag
  WireType type = WireType::kVarint;
  std::uint64_t value = 0;  // kVarint
  std::string_view bytes;   // kBytes
};

// One message's fields, in the order of the bytes.
class Wire {
 public:
  explicit Wire(std::string_view bytes) : left_(bytes) {}

  bool AtEnd() const { return left_.empty(); }

  // Nothing when the bytes end within a field, or hold a kind of field that proto3 lacks.
  std::optional<WireField> Next() {
    const std::string_view begin = left_;
    auto field = Read();
    if (field) field->raw = begin.substr(0, begin.size() - left_.size());
    return field;
  }

 private:
  std::optional<WireField> Read() {
    const auto tag = Varint();
    if (!tag || *tag >> 3 == 0) return {};
    WireField field;
    field.number = *tag >> 3;
    field.type = static_cast<WireType>(*tag & 7);
    switch (field.type) {
      case WireType::kVarint: {
        const auto value = Varint();
        if (!value) return {};
        field.value = *value;
        return field;
      }
      case WireType::kFixed64:
        return Skip(8) ? std::optional(field) : std::nullopt;
      case WireType::kFixed32:
        return Skip(4) ? std::optional(field) : std::nullopt;
      case WireType::kBytes: {
        const auto size = Varint();
        if (!size || *size > left_.size()) return {};
        field.bytes = left_.substr(0, *size);
        left_.remove_prefix(*size);
        return field;
      }
    }
    return {};
  }

  std::optional<std::uint64_t> Varint() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64 && !left_.empty(); shift += 7) {
      const auto byte = static_cast<std::uint8_t>(left_.front());
      left_.remove_prefix(1);
      value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    return {};
  }

  bool Skip(std::size_t size) {
    if (size > left_.size()) return false;
    left_.remove_prefix(size);
    return true;
  }

  std::string_view left_;
};

inline void AppendVarint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

// A field of bytes, as it is written.
inline std::string BytesField(std::uint64_t number, std::string_view bytes) {
  std::string out;
  AppendVarint(out, number << 3 | static_cast<std::uint64_t>(WireType::kBytes));
  AppendVarint(out, bytes.size());
  return out.append(bytes);
}

}  // namespace sw::model
