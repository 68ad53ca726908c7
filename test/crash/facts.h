// What the crash tests' program writes, and what of it is there: both follow from numbers alone, so
// whoever finds something can tell whether it is whole.
//
// A fact is a line such as "catalog 12" or "append 1 7": write 12 of the catalog is there, all of
// it. The program prints "ack <fact>" when the store has said so, "seen <fact>" for what it found
// when it opened the folder: both must be found again after every crash.
//
//   Stores stores = SW_TRY(Stores::Open(folder, clock, counters));
//   const Found found = LookAt(stores);
//   found.facts.contains("catalog 12");
//
// Immutable functions; Stores has one owner.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "store/data_folder.h"

namespace sw::crash {

inline constexpr std::int64_t kCatalogParts = 3;      // rows of one catalog write
inline constexpr std::int32_t kRowsPartitions = 2;    // of the stream kRowsStream
inline constexpr std::string_view kRowsStream = "rows/a";
inline constexpr std::string_view kEventsStream = "events";      // fed by the outbox
inline constexpr std::string_view kValuesStream = "values";      // what rebuilds the online store
inline constexpr std::string_view kPeopleStream = "people";      // rows that are erased
inline constexpr std::string_view kShortStream = "short";        // rows that retention drops
inline constexpr std::string_view kSmallStream = "small";        // of the logbook with small files
inline constexpr DurationUs kShortRetention = 10 * base::kSecondUs;

// A text of up to `bytes_max` bytes, the same for the same arguments.
std::string TextOf(std::string_view what, std::int64_t number, std::size_t bytes_max);
std::string BlobOf(std::int64_t number);
// The rows of append `number` to a partition of kRowsStream: 1 to 4, of changing columns.
store::LogRows RowsOf(std::int32_t partition, std::int64_t number);
std::int64_t PersonOf(std::int64_t row);                 // whose row of kPeopleStream it is
std::string OnlineKeyOf(std::int64_t row);               // the key that a row of kValuesStream sets
// Brings the online store up to the logbook, from the row that it says it has come to; returns how
// many rows it holds then.
Result<std::int64_t> FollowValues(store::DataFolder& data);
store::LogRows OneRow(TimeUs time, std::string id, std::vector<std::pair<std::string, std::string>> texts);

// The data folder, and below it a second logbook whose files are full after a few rows.
struct Stores {
  std::unique_ptr<store::DataFolder> data;
  std::unique_ptr<store::Logbook> small;
  std::vector<std::string> streams_found;  // declared before this opening

  // Declares the streams and makes the tables that are missing.
  static Result<Stores> Open(const std::string& folder, const base::Clock& clock, base::Counters& counters);
};

struct Found {
  std::set<std::string> facts;
  std::vector<std::string> problems;  // what is there by half, twice, or not as it was written
  std::vector<std::string> failures;  // errors of a store that was looked at
  bool online_was_lost = false;       // as DataFolder said
  std::int64_t followed = 0;          // rows of kValuesStream that the online store held at first
};
// Rebuilds the online store first where it was lost.
Found LookAt(Stores& stores);

// Rows of people in `erased` whose secret is still in some file of the folder, as a problem each.
std::vector<std::string> SecretsOnDisk(const std::string& folder, const std::set<std::int64_t>& erased);

int RunWorkload(int argc, char** argv);  // workload.cc
int RunVerifier();                       // verifier.cc

}  // namespace sw::crash
