// FlightSpool: what clients have uploaded and not yet asked an answer for; between DoPut and DoGet.
//
// Bounded in bytes and number; an upload that nobody asks for is forgotten after a while. Each is its caller's own.
// Thread-safe.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/caller.h"
#include "base/clock.h"
#include "base/result.h"
#include "data/raw_table.h"

namespace sw::feast {

struct FlightUpload {
  std::string command;   // the descriptor's, a JSON object
  data::RawTable table;
};

class FlightSpool {
 public:
  struct Limits {
    std::size_t bytes_max = std::size_t{1} << 30;
    std::size_t uploads_max = 1'024;
    DurationUs keep = 10 * base::kMinuteUs;
  };
  FlightSpool(const base::Clock& clock, Limits limits) : clock_(clock), limits_(limits) {}

  // What a command of a caller is called.
  static std::string TicketOf(const Caller& caller, std::string_view command);
  Status Put(const std::string& ticket, FlightUpload upload);  // RESOURCE_EXHAUSTED
  std::shared_ptr<const FlightUpload> Find(const std::string& ticket);  // nullptr: unknown, or forgotten
  void Remove(const std::string& ticket);
  std::vector<std::string> CommandsOf(const Caller& caller);

 private:
  struct Held {
    std::shared_ptr<const FlightUpload> upload;
    std::size_t bytes = 0;
    TimeUs until = 0;
  };
  void Forget();  // with mutex_ held

  const base::Clock& clock_;
  const Limits limits_;
  std::mutex mutex_;
  std::map<std::string, Held> held_;  // guarded by mutex_
  std::size_t bytes_ = 0;             // likewise
};

}  // namespace sw::feast
