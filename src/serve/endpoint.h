// EndpointSnapshot: what an endpoint is at one moment: its arms, its split, its contract policy.
//
//   EndpointSnapshot late{.name = "late", .service = "late_v1", .unit_column = "tailnum",
//                         .request = schema, .arms = {{.version = 3, .package = package}}};
//   SW_TRY(CheckSnapshot(late));
//
// A snapshot is published whole and never changed (serve/endpoints.h): a request keeps the one that
// it began with. Values; immutable once published.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "data/contract.h"
#include "data/schema.h"
#include "model/package.h"
#include "serve/interfaces.h"

namespace sw::serve {

enum class ArmMode : std::uint8_t {
  kLive,    // answers what no canary takes; exactly one
  kCanary,  // answers its share of units; the live arm scores the same rows afterwards, as a pair
  kShadow,  // scores after the response, answers nobody
  kWarm,    // loaded and reachable by a pinned version only: what a roll-back goes to
};
std::string_view ArmModeName(ArmMode mode);  // "live", "canary", "shadow", "warm"
Result<ArmMode> ParseArmMode(std::string_view name);

struct Arm {
  std::int64_t version = 0;  // of the registered model
  std::shared_ptr<const model::Package> package;
  ArmMode mode = ArmMode::kLive;
  double share = 0;                  // of units, 0 to 1; canary only
  std::optional<double> threshold;   // its own; else the endpoint's
};

enum class ContractAction : std::uint8_t { kAllow, kRefuse };

// What happens to a request that breaks the contract, by kind of violation. Violations are counted
// and logged in either case.
struct ContractPolicy {
  static constexpr std::size_t kKinds = 6;
  std::array<ContractAction, kKinds> actions{};  // by data::ViolationKind; all allowed
  ContractAction For(data::ViolationKind kind) const { return actions[static_cast<std::size_t>(kind)]; }
  bool RefusesAny() const;
  // {"out_of_range": "refuse"}; kinds that are absent are allowed. INVALID_ARGUMENT names the key.
  static Result<ContractPolicy> FromJson(const Json& json);
  bool operator==(const ContractPolicy&) const = default;
};

inline constexpr std::size_t kOutputsMax = 4'096;  // limit outputs_per_row_max

// What a row is answered with, by every arm of an endpoint alike: clients lean on it.
struct Outputs {
  std::size_t count = 1;                // scores a row
  std::vector<std::string> names = {};  // one a score, or a binary classifier's two classes; empty: unknown
  bool are_classes = false;             // several scores are probabilities of classes of which one is the row's

  // A score's name, else its number.
  std::string Label(std::size_t output) const;
  // The place of the greatest score of a row, the first of equals; nothing where one is NaN.
  static std::optional<std::size_t> Greatest(std::span<const double> scores);
  // How many rows one counts as, where a limit counts rows: one for every 64 outputs.
  std::size_t weight() const { return (count + 63) / 64; }
  bool operator==(const Outputs&) const = default;
};

// How urgent a request is: the more urgent go first, and the less urgent are turned away first.
enum class Priority : std::uint8_t { kHigh, kNormal, kLow };
std::string_view PriorityName(Priority priority);  // "high", "normal", "low"
Result<Priority> ParsePriority(std::string_view name);

// Of the requests that wait for a thread: those of slow models, and all where one of the first or the last is set.
struct QueuePolicy {
  std::size_t concurrency_max = 0;  // scorings of one version at once; 0: as many as there are threads
  std::size_t queue_max = 0;        // requests that wait; 0: as many as the threads' own queue takes
  std::int64_t max_delay_us = 0;    // that a request waits for others of its version, to be scored with them
  bool operator==(const QueuePolicy&) const = default;
};

struct EndpointSnapshot {
  std::string name;
  std::string service;         // feature service; empty: the request's rows are the model's inputs
  std::string unit_column;     // of the request; traffic is split by it; empty: by prediction id
  double threshold = 0.5;      // score >= threshold decides true
  std::string rollout_salt;    // another salt draws another split
  data::Schema request;        // what a request row brings
  ContractPolicy policy;
  bool is_logged = true;       // false: nothing of it is written to the log
  bool is_durable = false;     // an answer waits until its record is on disk
  QueuePolicy queue = {};
  std::size_t cache_rows = 0;  // whose scores are kept, to be answered without scoring; 0: none are
  std::vector<Arm> arms;
  std::shared_ptr<const Outputs> outputs = {};  // its arms'; set when it is published

  const Arm* Live() const;                           // nullptr when there is none
  const Arm* FindVersion(std::int64_t version) const;  // of any mode
};

// INVALID_ARGUMENT names the endpoint and what is wrong: names, exactly one live arm, versions
// unlike each other, shares that add up to at most 1, a unit column that requests bring, arms that
// predict the same outputs.
Status CheckSnapshot(const EndpointSnapshot& snapshot);

// Of arms that CheckSnapshot has passed.
Outputs OutputsOf(const EndpointSnapshot& snapshot);

// The request schema of an endpoint without a feature service: the package's contract.
data::Schema RequestSchemaOf(const model::Package& package);

// A snapshot whose packages are still to be loaded.
struct ArmSpec {
  std::int64_t version = 0;
  std::string package_id;
  ArmMode mode = ArmMode::kLive;
  double share = 0;
  std::optional<double> threshold;
  bool operator==(const ArmSpec&) const = default;
};
// `base` has everything but arms. Packages that `current` (may be nullptr) holds are taken from it.
// An empty request schema becomes the live package's, for an endpoint without a service.
Result<EndpointSnapshot> LoadArms(EndpointSnapshot base, const std::vector<ArmSpec>& arms,
                                  const EndpointSnapshot* current, PackageSource& packages);

}  // namespace sw::serve
