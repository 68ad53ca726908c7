#include "feature/time_zone.h"

#include <absl/time/civil_time.h>
#include <absl/time/time.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "base/errors.h"
#include "base/files.h"
#include "data/schema.h"

namespace sw::feature {
namespace {

constexpr std::size_t kNameBytesMax = 64;
constexpr std::int64_t kFieldMax = 10'000'000;
constexpr int kZoneFolderDepthMax = 3;  // America/Argentina/Ushuaia

// Where absl's own loader looks.
std::string ZoneFolder() {
  const char* folder = std::getenv("TZDIR");
  return folder != nullptr && *folder != '\0' ? folder : "/usr/share/zoneinfo";
}

bool IsNameByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '+' || c == '-' || c == '/';
}

// Keeps names inside of the folder: no dots, no empty parts. Each accepted name is one file of it,
// which bounds the cache that absl keeps for ever.
bool IsName(std::string_view name) {
  return !name.empty() && name.size() <= kNameBytesMax &&
         std::all_of(name.begin(), name.end(), IsNameByte) && name.front() != '/' &&
         name.back() != '/' && name.find("//") == std::string_view::npos;
}

bool IsFile(const std::string& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode);
}

void CollectNames(const std::string& folder, const std::string& prefix, int depth,
                  std::vector<std::string>& names) {
  const auto entries = base::ListFolder(folder);
  if (!entries || depth > kZoneFolderDepthMax) return;
  for (const std::string& entry : *entries) {
    if (entry.empty() || entry[0] < 'A' || entry[0] > 'Z') continue;  // posix/, right/, zone.tab
    const std::string path = base::JoinPath(folder, entry);
    if (IsFile(path)) {
      names.push_back(prefix + entry);
    } else {
      CollectNames(path, prefix + entry + "/", depth + 1, names);
    }
  }
}

std::unexpected<Error> UnknownZone(std::string_view name) {
  const auto shown = name.substr(0, kNameBytesMax);
  std::vector<std::string> names;
  CollectNames(ZoneFolder(), "", 1, names);
  if (names.empty()) {
    return InvalidArgument("no time zone \"{}\": {} holds no zones; install the package tzdata",
                           shown, ZoneFolder());
  }
  const auto near = data::NearMisses(shown, names);
  if (near.empty())
    return InvalidArgument("no time zone \"{}\"; write one such as America/New_York or UTC", shown);
  return InvalidArgument("no time zone \"{}\"; did you mean {}?", shown, fmt::join(near, ", "));
}

bool IsWithin(std::int64_t field) { return field >= -kFieldMax && field <= kFieldMax; }

}  // namespace

struct TimeZone::Zone {
  absl::TimeZone zone;
};

TimeZone::TimeZone(std::shared_ptr<const Zone> zone) : zone_(std::move(zone)) {}

Result<TimeZone> TimeZone::Find(std::string_view name) {
  if (name == "UTC") return TimeZone(std::make_shared<const Zone>(Zone{absl::UTCTimeZone()}));
  absl::TimeZone zone;
  if (!IsName(name) || !IsFile(base::JoinPath(ZoneFolder(), name)) ||
      !absl::LoadTimeZone(absl::string_view(name.data(), name.size()), &zone)) {
    return UnknownZone(name);
  }
  return TimeZone(std::make_shared<const Zone>(Zone{zone}));
}

Result<TimeUs> TimeZone::TimeOf(const CivilTime& civil) const {
  const bool within = IsWithin(civil.year) && IsWithin(civil.month) && IsWithin(civil.day) &&
                      IsWithin(civil.hour) && IsWithin(civil.minute) && IsWithin(civil.second);
  const absl::CivilSecond second = within
                                       ? absl::CivilSecond(civil.year, civil.month, civil.day,
                                                           civil.hour, civil.minute, civil.second)
                                       : absl::CivilSecond(0);
  if (second.year() < 1 || second.year() > 9999) {
    return InvalidArgument("no time {}-{}-{} {}:{}:{}: years go from 1 to 9999", civil.year,
                           civil.month, civil.day, civil.hour, civil.minute, civil.second);
  }
  // `pre` goes by the offset before the change: in a gap the time as if the clock had not been moved
  // yet, in an overlap the first of the two.
  return absl::ToUnixMicros(zone_->zone.At(second).pre);
}

CivilTime TimeZone::CivilOf(TimeUs time) const {
  const absl::CivilSecond second = zone_->zone.At(absl::FromUnixMicros(time)).cs;
  return {second.year(), second.month(),  second.day(),
          second.hour(), second.minute(), second.second()};
}

int Weekday(const CivilTime& civil) {
  return static_cast<int>(absl::GetWeekday(absl::CivilDay(civil.year, civil.month, civil.day)));
}

}  // namespace sw::feature
