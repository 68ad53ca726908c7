// Json::Parse, apart from json.cc because the library's header is slow to compile.
#include <charconv>
#include <iterator>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "base/errors.h"
#include "base/json.h"
#include "base/json_cursor.h"

namespace sw::base {
namespace {

// Walks the text and notes how far the library has read, for the place in our own refusals.
class TrackingIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  TrackingIterator(const char* at, const char** furthest) : at_(at), furthest_(furthest) {}
  const char& operator*() const { return *at_; }
  TrackingIterator& operator++() {
    *furthest_ = ++at_;
    return *this;
  }
  TrackingIterator operator++(int) {
    TrackingIterator before = *this;
    ++*this;
    return before;
  }
  bool operator==(const TrackingIterator& other) const { return at_ == other.at_; }

 private:
  const char* at_;
  const char** furthest_;
};

// Refuses a repeated key in constant time a key, however many keys an object has.
class KeySet {
 public:
  bool Insert(const Json::Object& members, const std::string& key) {
    if (members.size() < kScanMax) {
      for (const Json::Member& member : members) {
        if (member.first == key) return false;
      }
      return true;
    }
    if (keys_.empty()) {
      for (const Json::Member& member : members) keys_.insert(member.first);
    }
    return keys_.insert(key).second;
  }

 private:
  static constexpr std::size_t kScanMax = 16;
  std::unordered_set<std::string> keys_;
};

// The float nearest to the digits. Through a double, which rounds too, it can be the one beside it.
float NearestFloat(const std::string& digits, double value) {
  float nearest = 0;
  const char* end = digits.data() + digits.size();
  const auto [at, error] = std::from_chars(digits.data(), end, nearest);
  return error == std::errc() && at == end ? nearest : static_cast<float>(value);
}

// Builds our Json from the library's events. A false return stops the library.
class Builder {
 public:
  explicit Builder(const JsonLimits& limits) : depth_max_(limits.depth_max), floats_(limits.floats) {}

  bool null() { return Put(Json()); }
  bool boolean(bool value) { return Put(Json(value)); }
  bool number_integer(std::int64_t value) { return Put(Json(value)); }
  bool number_unsigned(std::uint64_t value) {
    if (value > static_cast<std::uint64_t>(INT64_MAX)) return Put(Json(static_cast<double>(value)));
    return Put(Json(static_cast<std::int64_t>(value)));
  }
  bool number_float(double value, const std::string& digits) {
    return Put(Json(floats_ ? static_cast<double>(NearestFloat(digits, value)) : value));
  }
  bool string(std::string& value) { return Put(Json(std::move(value))); }
  bool binary(std::vector<std::uint8_t>& /*bytes*/) { return Refuse("binary value"); }
  bool start_object(std::size_t /*size*/) { return Open(Json::MakeObject()); }
  bool start_array(std::size_t /*size*/) { return Open(Json::MakeArray()); }
  bool end_object() { return Close(); }
  bool end_array() { return Close(); }

  bool key(std::string& key) {
    Frame& frame = open_.back();
    Json::Object& members = frame.value->AsObject();
    if (!frame.keys.Insert(members, key)) {
      return Refuse(fmt::format("duplicate key \"{}\"", key.substr(0, 64)));
    }
    members.emplace_back(std::move(key), Json());
    return true;
  }

  bool parse_error(std::size_t position, const std::string& /*token*/,
                   const nlohmann::detail::exception& error) {
    // The library's text is "[json.exception...] parse error at line 1, column 2: what"; ours
    // begins with the place, so only `what` is kept.
    std::string_view what = error.what();
    const std::size_t place = what.find("column ");
    const std::size_t colon = place == std::string_view::npos ? what.find("] ") : what.find(": ", place);
    if (colon != std::string_view::npos) what.remove_prefix(colon + 2);
    position_ = position;
    return Refuse(std::string(what.substr(0, 256)));
  }

  Json root;
  const std::string& refusal() const { return refusal_; }
  std::size_t position() const { return position_; }

 private:
  struct Frame {
    // Points into its parent, which does not grow while this frame is open.
    Json* value;
    KeySet keys;
  };

  bool Refuse(std::string what) {
    refusal_ = std::move(what);
    return false;
  }

  Json* Place(Json value) {
    if (open_.empty()) {
      root = std::move(value);
      return &root;
    }
    Json& parent = *open_.back().value;
    if (parent.IsArray()) return &parent.AsArray().emplace_back(std::move(value));
    Json& slot = parent.AsObject().back().second;
    slot = std::move(value);
    return &slot;
  }

  bool Put(Json value) {
    Place(std::move(value));
    return true;
  }

  bool Open(Json container) {
    if (static_cast<int>(open_.size()) >= depth_max_) {
      return Refuse(fmt::format("nested deeper than {} levels", depth_max_));
    }
    open_.push_back(Frame{Place(std::move(container)), {}});
    return true;
  }

  bool Close() {
    open_.pop_back();
    return true;
  }

  int depth_max_;
  bool floats_;
  std::vector<Frame> open_;
  std::string refusal_;
  std::size_t position_ = 0;
};

std::unexpected<Error> RefusedAt(std::string_view text, std::size_t position, std::string_view what) {
  const std::string_view before = text.substr(0, std::min(position, text.size()));
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const std::size_t newline = before.rfind('\n');
  const std::size_t column = newline == std::string_view::npos ? before.size() : before.size() - newline - 1;
  return InvalidArgument("JSON is refused at line {}, column {}: {}", line,
                         std::max<std::size_t>(column, 1), what);
}

}  // namespace

Result<Json> Json::Parse(std::string_view text, const JsonLimits& limits) {
  if (text.size() > limits.bytes_max) {
    return ResourceExhausted("JSON has {} bytes: at most {} are taken; send less at once", text.size(),
                             limits.bytes_max);
  }
  if (std::optional<Json> known = ParseKnownJson(text, limits)) return *std::move(known);
  return ParseAnyJson(text, limits);
}

Result<Json> ParseAnyJson(std::string_view text, const JsonLimits& limits) {
  const char* furthest = text.data();
  Builder builder(limits);
  try {
    const TrackingIterator first(text.data(), &furthest);
    const TrackingIterator last(text.data() + text.size(), &furthest);
    if (nlohmann::json::sax_parse(first, last, &builder)) return std::move(builder.root);
  } catch (const std::exception& error) {
    return RefusedAt(text, static_cast<std::size_t>(furthest - text.data()), error.what());
  }
  const std::size_t read = static_cast<std::size_t>(furthest - text.data());
  return RefusedAt(text, builder.position() != 0 ? builder.position() : read, builder.refusal());
}

}  // namespace sw::base
