#include "model/formats/ubjson.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <unordered_set>

#include "base/errors.h"

namespace sw::model {
namespace {

// A number of `Number`'s size, which lies big-endian at `from`.
template <typename Number>
Number FromBigEndian(const char* from) {
  char bytes[sizeof(Number)];
  for (std::size_t i = 0; i < sizeof(Number); ++i) {
    bytes[i] = std::endian::native == std::endian::little ? from[sizeof(Number) - 1 - i] : from[i];
  }
  Number number;
  std::memcpy(&number, bytes, sizeof(Number));
  return number;
}

class Reader {
 public:
  Reader(std::string_view bytes, const UbjsonLimits& limits) : rest_(bytes), size_(bytes.size()), limits_(limits) {}

  Result<Document> ReadAll() {
    Document document = SW_TRY(ReadValue(SW_TRY(Next()), 0));
    if (!rest_.empty()) return Refused("{} bytes follow its end", rest_.size());
    return document;
  }

 private:
  template <typename... Args>
  std::unexpected<Error> Refused(fmt::format_string<Args...> format, Args&&... args) const {
    return InvalidArgument("UBJSON is refused at byte {}: {}", size_ - rest_.size(),
                           fmt::format(format, std::forward<Args>(args)...));
  }
  std::unexpected<Error> Unknown(char marker, std::string_view where) const {
    return Refused("marker 0x{:02x} is not read {}", static_cast<unsigned char>(marker), where);
  }

  Result<char> Next() {
    if (rest_.empty()) return Refused("it is cut off");
    const char marker = rest_.front();
    rest_.remove_prefix(1);
    return marker;
  }
  bool Take(char marker) {
    if (!rest_.starts_with(marker)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  template <typename Number>
  Result<Number> Read() {
    if (rest_.size() < sizeof(Number)) return Refused("it is cut off");
    const auto number = FromBigEndian<Number>(rest_.data());
    rest_.remove_prefix(sizeof(Number));
    return number;
  }

  Result<std::int64_t> ReadInt(char marker, std::string_view where) {
    switch (marker) {
      case 'i': return SW_TRY(Read<std::int8_t>());
      case 'U': return SW_TRY(Read<std::uint8_t>());
      case 'I': return SW_TRY(Read<std::int16_t>());
      case 'l': return SW_TRY(Read<std::int32_t>());
      case 'L': return SW_TRY(Read<std::int64_t>());
      default: return Unknown(marker, where);
    }
  }

  // A length of things of at least `each` bytes.
  Result<std::size_t> ReadLength(std::size_t each) {
    const std::int64_t length = SW_TRY(ReadInt(SW_TRY(Next()), "as a length"));
    if (length < 0) return Refused("a length is {}", length);
    if (static_cast<std::uint64_t>(length) > rest_.size() / each) {
      return Refused("a length is {}, {} bytes are left", length, rest_.size());
    }
    return static_cast<std::size_t>(length);
  }

  Result<std::string> ReadString() {
    const std::size_t length = SW_TRY(ReadLength(1));
    std::string text(rest_.substr(0, length));
    rest_.remove_prefix(length);
    return text;
  }

  Result<Document> ReadValue(char marker, int depth) {
    if (++values_ > limits_.values_max) {
      return ResourceExhausted("UBJSON has more than {} values (ubjson_values_max)", limits_.values_max);
    }
    switch (marker) {
      case 'Z': return Document();
      case 'T': return Document(true);
      case 'F': return Document(false);
      case 'C': return Document(static_cast<std::int64_t>(SW_TRY(Read<std::int8_t>())));
      case 'd': return Document(static_cast<double>(SW_TRY(Read<float>())));
      case 'D': return Document(SW_TRY(Read<double>()));
      case 'S': return Document(SW_TRY(ReadString()));
      case '[':
      case '{':
        if (depth >= limits_.depth_max) return Refused("nested deeper than {} levels", limits_.depth_max);
        return marker == '[' ? ReadArray(depth + 1) : ReadObject(depth + 1);
      default: return Document(SW_TRY(ReadInt(marker, "as a value")));
    }
  }

  Result<Document> ReadArray(int depth) {
    if (Take('$')) return ReadTyped(SW_TRY(Next()));
    Document::Array items;
    if (Take('#')) {
      const std::size_t count = SW_TRY(ReadLength(1));
      for (std::size_t i = 0; i < count; ++i) items.push_back(SW_TRY(ReadValue(SW_TRY(Next()), depth)));
    } else {
      while (!Take(']')) items.push_back(SW_TRY(ReadValue(SW_TRY(Next()), depth)));
    }
    return Compact(std::move(items));
  }

  // Plain lists of numbers, such as tree_info, become numbers, as in JSON.
  static Document Compact(Document::Array items) {
    const auto is_whole = [](const Document& item) { return std::holds_alternative<std::int64_t>(item.value()); };
    const auto is_real = [](const Document& item) { return std::holds_alternative<double>(item.value()); };
    const auto whole = static_cast<std::size_t>(std::ranges::count_if(items, is_whole));
    const auto real = static_cast<std::size_t>(std::ranges::count_if(items, is_real));
    if (items.empty() || whole + real < items.size()) return Document(std::move(items));
    if (real == 0) return Numbers<std::int64_t>(items);
    return Numbers<double>(items);
  }

  template <typename Number>
  static Document Numbers(const Document::Array& items) {
    std::vector<Number> numbers;
    numbers.reserve(items.size());
    for (const Document& item : items) {
      const auto* whole = std::get_if<std::int64_t>(&item.value());
      numbers.push_back(static_cast<Number>(whole != nullptr ? *whole : std::get<double>(item.value())));
    }
    return Document(Document::Numbers(std::move(numbers)));
  }

  Result<Document> ReadTyped(char type) {
    switch (type) {
      case 'i': return ReadNumbers<std::int8_t>();
      case 'U': return ReadNumbers<std::uint8_t>();
      case 'I': return ReadNumbers<std::int16_t>();
      case 'l': return ReadNumbers<std::int32_t>();
      case 'L': return ReadNumbers<std::int64_t>();
      case 'd': return ReadNumbers<float>();
      case 'D': return ReadNumbers<double>();
      default: return Unknown(type, "as the type of an array");
    }
  }

  template <typename Number>
  Result<Document> ReadNumbers() {
    if (!Take('#')) return Refused("a typed array needs its length");
    const std::size_t count = SW_TRY(ReadLength(sizeof(Number)));
    std::vector<Number> numbers(count);
    for (std::size_t i = 0; i < count; ++i) numbers[i] = FromBigEndian<Number>(rest_.data() + i * sizeof(Number));
    rest_.remove_prefix(count * sizeof(Number));
    return Document(Document::Numbers(std::move(numbers)));
  }

  Result<Document> ReadObject(int depth) {
    if (rest_.starts_with('$') || rest_.starts_with('#')) return Unknown(rest_.front(), "in an object");
    Document::Object members;
    std::unordered_set<std::string> keys;
    while (!Take('}')) {
      std::string key = SW_TRY(ReadString());
      if (!keys.insert(key).second) return Refused("duplicate key \"{}\"", key.substr(0, 64));
      Document value = SW_TRY(ReadValue(SW_TRY(Next()), depth));
      members.emplace_back(std::move(key), std::move(value));
    }
    return Document(std::move(members));
  }

  std::string_view rest_;
  std::size_t size_;
  UbjsonLimits limits_;
  std::size_t values_ = 0;
};

}  // namespace

bool IsUbjson(std::string_view bytes) {
  return bytes.size() > 1 && bytes[0] == '{' && std::string_view("iUIlL").contains(bytes[1]);
}

Result<Document> ReadUbjson(std::string_view bytes, const UbjsonLimits& limits) {
  if (bytes.size() > limits.bytes_max) {
    return ResourceExhausted("UBJSON has {} bytes, the limit ubjson_bytes_max is {}", bytes.size(), limits.bytes_max);
  }
  return Reader(bytes, limits).ReadAll();
}

}  // namespace sw::model
