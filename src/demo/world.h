// World: what happens outside of Seaworthy in the demo: flights are scheduled, land, weather is
// published. It plays the year 2013 into a server, minute by minute. One owner.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "demo/api.h"
#include "data/batch.h"

namespace sw::demo {

struct Flight {
  std::size_t row = 0;       // of the table
  TimeUs departs = 0;
  TimeUs landed = 0;         // 0: never (cancelled or diverted)
  std::string id;
  bool is_late = false;      // by more than 15 minutes
};

// From this moment on, what the weather table says of a column arrives multiplied.
struct Fault {
  std::string column;
  double factor = 1;
  TimeUs from = 0;
};

struct Traffic {
  std::uint64_t requests = 0;
  std::uint64_t failed = 0;
  std::uint64_t labels = 0;
  std::uint64_t never_labelled = 0;
  double seconds = 0;                    // wall clock, everything included
  double predict_seconds = 0;            // in the prediction calls alone
  std::vector<std::int64_t> latency_ns;  // of each prediction, as the client saw it
  double QuantileMs(double q) const;
};

class World {
 public:
  // Reads the tables by the definitions in `toml_path`.
  static Result<World> Read(const std::string& toml_path, const std::string& tables_folder);

  // Told now and then how far the year was played.
  void OnProgress(std::function<void(TimeUs now)> tell) { tell_ = std::move(tell); }
  const std::vector<Flight>& flights() const { return flights_; }  // by departure
  // Of the flights that were asked about and departed before `until`: all, and those without a label.
  std::pair<std::uint64_t, std::uint64_t> AskedBefore(TimeUs until) const;
  std::map<std::string, double> DelaysById() const;                // minutes, of flights that landed
  // Plays everything in [from, until) into the server: pushes, labels, the clock, predictions. The
  // clock stands at `until` afterwards.
  Result<Traffic> Play(Api& api, TimeUs from, TimeUs until, const std::optional<Fault>& fault);

 private:
  World() = default;
  struct Weather {
    std::size_t row = 0;
    TimeUs published = 0;
  };
  // What became known in (pushed_until_, t] goes to the server.
  Status PushUntil(Api& api, TimeUs t, const std::optional<Fault>& fault, Traffic& traffic);
  Status Predict(Api& api, const Flight& flight, Traffic& traffic);
  net::ClientRequest PushRequest(const std::string& source, const data::Batch& rows) const;

  std::function<void(TimeUs)> tell_;
  data::Batch flight_rows_;   // as the table has them
  data::Batch weather_rows_;
  std::vector<Flight> flights_;
  std::vector<std::size_t> by_landing_;  // indices of flights_ that land, in that order
  std::vector<Weather> weather_;         // by publication
  std::vector<bool> asked_;              // by flight: a prediction was made
  std::size_t next_landing_ = 0;
  std::size_t next_weather_ = 0;
  Json labels_ = Json::MakeArray();      // that came and were not sent: they leave each hour
  TimeUs labels_due_ = 0;
  std::int64_t sequence_ = 0;            // of pushes and labels
};

}  // namespace sw::demo
