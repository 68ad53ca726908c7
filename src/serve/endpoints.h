// Endpoints: stable addresses that score. The prediction path begins and ends here.
//
//   Endpoints endpoints({.clock = &clock, .counters = &counters, .features = &features,
//                        .log = &log, .shadow = &pool});
//   SW_TRY(endpoints.Replace(snapshot));
//   endpoints.Predict({.endpoint = "late", .rows = rows}, [](Result<PredictResult> result) { ... });
//
// A request keeps the snapshot it began with, so Replace fails nobody. It then reads features,
// checks the contract, scores, hands one record to the log ring and answers; shadow arms and the
// live side of canary pairs score after that, and are shed first. Thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/caller.h"
#include "base/clock.h"
#include "base/counters.h"
#include "base/executor.h"
#include "base/random.h"
#include "base/result.h"
#include "data/batch.h"
#include "model/memory_budget.h"
#include "serve/blocking_pools.h"
#include "serve/endpoint.h"
#include "serve/interfaces.h"
#include "serve/log_ring.h"
#include "serve/prediction_trace.h"
#include "serve/row_ids.h"
#include "serve/version_statistics.h"

namespace sw::serve {

struct PredictRequest {
  std::string endpoint;
  data::Batch rows;                     // columns of the endpoint's request schema, found by name
  std::vector<std::string> ids = {};    // the client's own, one a row; empty: generated. A retry with
                                        // the same ids is logged once (the logbook's fold keeps the first)
  TimeUs time = 0;                      // of the request; 0: the clock's now
  std::optional<std::int64_t> version = {};  // pinned: this version answers, whatever its mode
  std::string unit = {};                // of rows whose unit column is absent or null (a header)
  Priority priority = Priority::kNormal;
  Caller caller = {};
};

enum class ServedAs : std::uint8_t { kLive, kCanary, kPinned };
std::string_view ServedAsName(ServedAs served);  // "live", "canary", "pinned"

// One entry a row in each vector but `scores`.
struct PredictResult {
  std::string request_id;               // UUIDv7
  RowIds ids;                           // prediction ids: the client's, or request_id + "-" + row
  std::shared_ptr<const Outputs> outputs;  // of the endpoint as it answered; never null
  std::vector<double> scores;           // row-major, outputs->count a row
  std::vector<bool> decisions;          // score >= threshold; empty where a row has several scores
  std::vector<std::int64_t> versions;
  std::vector<ServedAs> arms;
  std::vector<std::int64_t> violations; // of the contract
  bool logged = false;                  // false: the log ring was full, or the endpoint keeps no log

  std::size_t rows() const { return ids.size(); }
  std::span<const double> ScoresOf(std::size_t row) const {
    return std::span(scores).subspan(row * outputs->count, outputs->count);
  }
  // The label of the row's greatest score; nothing where one is NaN.
  std::optional<std::string> ClassOf(std::size_t row) const;
};
using PredictCallback = std::move_only_function<void(Result<PredictResult>)>;

// Where rows are counted, one of many outputs counts as several: Outputs::weight().
struct ServeLimits {
  std::size_t rows_per_request_max = 10'000;
  std::size_t requests_in_flight_max = 4'096;
  std::size_t rows_in_flight_max = 100'000;
  std::size_t shadow_rows_max = 50'000;   // waiting for shadow and pair scoring
  // Of each endpoint whose packages may wait for another process, instead of those above.
  std::size_t own_requests_in_flight_max = 256;
  std::size_t own_rows_in_flight_max = 20'000;
  std::size_t own_shadow_rows_max = 10'000;
  std::int64_t inline_us_max = 200;       // predicted scoring time beyond which `scoring` takes it
};

class Endpoints {
 public:
  // What is pointed at outlives the Endpoints; the executors may not run a task after that.
  struct Options {
    const base::Clock* clock = nullptr;
    base::Counters* counters = nullptr;
    FeatureReader* features = nullptr;    // may be null while no endpoint has a service
    PredictionLog* log = nullptr;
    base::Executor* shadow = nullptr;     // bounded, of low priority
    base::Executor* scoring = nullptr;    // for slow batches; null: the caller's thread takes all
    BlockingPools::Make blocking = {};    // threads for one endpoint whose packages may wait for
                                          // another process; empty: `scoring` takes those, too
    // Runs a task after a while; empty: a thread of its own does.
    std::function<void(DurationUs after, base::Executor::Task task)> later = {};
    base::Random random{0};               // for request ids
    ServeLimits limits = {};
    LogRing::Options ring = {};
    TracePrediction trace = {};           // quick and thread-safe; empty: nobody is told
  };
  explicit Endpoints(Options options);
  ~Endpoints();  // drains

  // Publishes the snapshot; requests in flight keep the old one.
  Status Replace(EndpointSnapshot snapshot);
  // LoadArms against what is served now, then Replace. Slow: loads packages on this thread.
  Status Apply(EndpointSnapshot base, const std::vector<ArmSpec>& arms, PackageSource& packages);
  Status Remove(std::string_view name);
  // Until the next Replace or Remove: what is said of an endpoint that should be served and is not.
  void Explain(std::string_view name, Error error);
  std::optional<Error> Explained(std::string_view name) const;
  bool ExplainsAny() const;
  std::shared_ptr<const EndpointSnapshot> Find(std::string_view name) const;  // nullptr: none
  std::vector<std::string> Names() const;  // sorted
  // Each package once, however many arms have it, named by one of them: "late/3 live".
  std::vector<model::MemoryHolder> MemoryHolders() const;
  // Sets the gauges serve_version_memory_bytes anew of endpoints whose models run in processes of their own: what
  // those hold changes by itself.
  void NoteMemory() const;
  // Of the versions that the endpoint has loaded, in the order of its arms; empty when it is not served.
  std::vector<VersionStatistics> Statistics(std::string_view name) const;

  // Answers exactly once, perhaps before it returns, and where the endpoint is durable on the
  // ring's thread, once the record is on disk. NOT_FOUND: endpoint or version;
  // INVALID_ARGUMENT: rows, ids or contract; RESOURCE_EXHAUSTED: a named limit; DEADLINE_EXCEEDED;
  // FAILED_PRECONDITION: features lack a model's input. `done` must not call Flush or Drain.
  void Predict(PredictRequest request, PredictCallback done);

  // Returns when all that was answered before the call, with its pairs and shadows, is in the
  // PredictionLog; but for shadows that wait for another process, which may take as long as they like.
  // On an error the rows are kept, and tried again.
  Status Flush();
  // Waits until nothing is in flight, then flushes.
  Status Drain();

 private:
  struct Core;
  std::unique_ptr<Core> core_;
};

}  // namespace sw::serve
