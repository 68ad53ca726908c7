#include "api/feast/online_json.h"

#include <charconv>
#include <chrono>

#include "base/json.h"
#include "feast/values.h"

namespace sw::feast {
namespace {

constexpr std::string_view kEpoch = R"("1970-01-01T00:00:00Z")";
constexpr std::size_t kStampBytes = 30;  // with quotes and comma
constexpr std::size_t kValueBytes = 14;  // a guess

std::string_view StatusJson(OnlineAnswer::Status status) {
  switch (status) {
    case ::feast::serving::PRESENT: return R"("PRESENT")";
    case ::feast::serving::NULL_VALUE: return R"("NULL_VALUE")";
    case ::feast::serving::NOT_FOUND: return R"("NOT_FOUND")";
    case ::feast::serving::OUTSIDE_MAX_AGE: return R"("OUTSIDE_MAX_AGE")";
    default: return R"("INVALID")";
  }
}

void AppendRepeated(std::string& out, std::string_view text, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    if (i > 0) out += ',';
    out += text;
  }
}

void AppendDigits(char* at, unsigned value, int digits) {
  for (int i = digits - 1; i >= 0; --i, value /= 10) at[i] = static_cast<char>('0' + value % 10);
}

// What all features of a view have in common: made once.
struct ViewParts {
  std::string statuses;  // where no feature is null
  std::string stamps;
};

ViewParts PartsOf(const OnlineAnswer& answer, std::size_t view) {
  ViewParts parts;
  parts.statuses.reserve(answer.rows() * 10);
  parts.stamps.reserve(answer.rows() * kStampBytes);
  for (std::size_t row = 0; row < answer.rows(); ++row) {
    const OnlineAnswer::Entry& entry = answer.At(row, view);
    if (row > 0) {
      parts.statuses += ',';
      parts.stamps += ',';
    }
    parts.statuses += StatusJson(entry.status);
    if (entry.row == nullptr) {
      parts.stamps += kEpoch;
      continue;
    }
    parts.stamps += '"';
    AppendStamp(parts.stamps, entry.event);
    parts.stamps += '"';
  }
  return parts;
}

// Most values are integers: those at once, with the comma before. False for another.
bool AppendIntItem(std::string_view value, bool has_comma, std::string& out) {
  constexpr char kInt64Tag = ::feast::types::ValueType::INT64 << 3;
  if (value.size() < 2 || value[0] != kInt64Tag) return false;
  std::uint64_t bits = 0;
  std::size_t at = 1;
  for (int shift = 0; shift < 64 && at < value.size(); shift += 7) {
    const auto byte = static_cast<unsigned char>(value[at++]);
    bits |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  if (at != value.size()) return false;
  char text[24] = {','};
  char* const begin = text + (has_comma ? 0 : 1);
  const char* const end = std::to_chars(text + 1, text + sizeof text, static_cast<std::int64_t>(bits)).ptr;
  out.append(begin, static_cast<std::size_t>(end - begin));
  return true;
}

// Values of one feature; false when one is missing in a row that is there, so that its statuses are its own.
bool AppendValues(const OnlineAnswer& answer, std::size_t view, std::size_t feature, std::string& out) {
  bool is_whole = true;
  for (std::size_t row = 0; row < answer.rows(); ++row) {
    const OnlineAnswer::Entry& entry = answer.At(row, view);
    if (entry.status == ::feast::serving::PRESENT && AppendIntItem(entry.Value(feature), row > 0, out)) continue;
    if (row > 0) out += ',';
    const std::string_view value = entry.status == ::feast::serving::PRESENT ? entry.Value(feature) : std::string_view();
    if (IsNullValue(value)) {
      is_whole = is_whole && entry.status != ::feast::serving::PRESENT;
      out += "null";
    } else {
      AppendValueJson(value, out);
    }
  }
  return is_whole;
}

void AppendFeature(const OnlineAnswer& answer, std::size_t view, std::size_t feature, const ViewParts& parts, std::string& out) {
  out += R"({"values":[)";
  const bool is_whole = AppendValues(answer, view, feature, out);
  out += R"(],"statuses":[)";
  if (is_whole) {
    out += parts.statuses;
  } else {
    for (std::size_t row = 0; row < answer.rows(); ++row) {
      if (row > 0) out += ',';
      out += StatusJson(answer.At(row, view).StatusOf(feature));
    }
  }
  out += R"(],"event_timestamps":[)";
  out += parts.stamps;
  out += "]}";
}

}  // namespace

void AppendStamp(std::string& out, TimeUs time) {
  using std::chrono::floor;
  const std::chrono::sys_time<std::chrono::microseconds> moment{std::chrono::microseconds(time)};
  const auto day = floor<std::chrono::days>(moment);
  const std::chrono::year_month_day date(day);
  const int year = static_cast<int>(date.year());
  if (year < 1 || year > 9999) {
    out += base::FormatTime(time);
    return;
  }
  const auto rest = static_cast<std::uint64_t>((moment - day).count());
  const auto seconds = static_cast<unsigned>(rest / 1'000'000);
  const auto fraction = static_cast<unsigned>(rest % 1'000'000);
  char text[] = "0000-00-00T00:00:00.000000Z";
  AppendDigits(text, static_cast<unsigned>(year), 4);
  AppendDigits(text + 5, static_cast<unsigned>(date.month()), 2);
  AppendDigits(text + 8, static_cast<unsigned>(date.day()), 2);
  AppendDigits(text + 11, seconds / 3600, 2);
  AppendDigits(text + 14, seconds / 60 % 60, 2);
  AppendDigits(text + 17, seconds % 60, 2);
  AppendDigits(text + 20, fraction, 6);
  const std::size_t size = fraction == 0 ? 19 : fraction % 1000 == 0 ? 23 : 26;
  text[size] = 'Z';
  out.append(text, size + 1);
}

std::string WriteOnlineAnswer(const PreparedPlan& prepared, const std::vector<EchoedKey>& keys, const OnlineAnswer& answer, bool with_versions) {
  const OnlinePlan& plan = *prepared.plan;
  std::string out;
  out.reserve(256 + prepared.names_json.size() + (plan.names().size() + keys.size()) * (60 + answer.rows() * (kValueBytes + kStampBytes + 10)));
  out += R"({"results":[)";
  bool is_first = true;
  const auto separate = [&] {
    if (!is_first) out += ',';
    is_first = false;
  };
  for (const EchoedKey& key : keys) {
    separate();
    out += R"({"values":[)";
    out += key.values_json;
    out += R"(],"statuses":[)";
    AppendRepeated(out, R"("PRESENT")", answer.rows());
    out += R"(],"event_timestamps":[)";
    AppendRepeated(out, kEpoch, answer.rows());
    out += "]}";
  }
  for (std::size_t view = 0; view < plan.views().size(); ++view) {
    const ViewParts parts = PartsOf(answer, view);
    for (const std::size_t feature : plan.views()[view].features) {
      separate();
      AppendFeature(answer, view, feature, parts, out);
    }
  }
  out += R"(],"metadata":{"feature_names":[)";
  for (const EchoedKey& key : keys) {
    base::AppendJsonString(out, key.name);
    if (&key != &keys.back() || !prepared.names_json.empty()) out += ',';
  }
  out += prepared.names_json;
  out += ']';
  if (with_versions) {
    out += R"(,"feature_view_metadata":[)";
    out += prepared.versions_json;
    out += ']';
  }
  out += "}}";
  return out;
}

}  // namespace sw::feast
