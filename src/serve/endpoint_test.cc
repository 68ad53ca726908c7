#include "serve/endpoint.h"

#include <gtest/gtest.h>

#include <cmath>

#include "serve/fakes.h"

namespace sw::serve {
namespace {

class CountingSource final : public PackageSource {
 public:
  Result<std::shared_ptr<const model::Package>> Load(const std::string& package_id) override {
    ++loads;
    const auto found = packages.find(package_id);
    if (found == packages.end()) return NotFound("no package {}", package_id);
    return found->second;
  }
  std::string Add(std::shared_ptr<const model::Package> package) {
    const std::string id = package->id();
    packages[id] = std::move(package);
    return id;
  }
  std::map<std::string, std::shared_ptr<const model::Package>> packages;
  int loads = 0;
};

TEST(Endpoint, RefusesWhatCannotServe) {
  struct Case {
    const char* message;
    void (*damage)(EndpointSnapshot&);
  };
  constexpr Case kCases[] = {
      {"no valid name", [](EndpointSnapshot& s) { s.name = "../late"; }},
      {"threshold is not a number", [](EndpointSnapshot& s) { s.threshold = std::nan(""); }},
      {"declare its inputs", [](EndpointSnapshot& s) { s.request = {}; }},
      {"\"delay\" twice", [](EndpointSnapshot& s) { s.request.fields[0].name = "delay"; }},
      {"did you mean tailnum", [](EndpointSnapshot& s) { s.unit_column = "tailnumber"; }},
      {"0 arms are live", [](EndpointSnapshot& s) { s.arms.clear(); }},
      {"2 arms are live", [](EndpointSnapshot& s) { s.arms.push_back(MakeArm(2, 2, ArmMode::kLive)); }},
      {"version 1 is on two arms", [](EndpointSnapshot& s) { s.arms.push_back(MakeArm(1, 2, ArmMode::kWarm)); }},
      {"has no package", [](EndpointSnapshot& s) { s.arms[0].package = nullptr; }},
      {"only a canary has one", [](EndpointSnapshot& s) { s.arms[0].share = 0.5; }},
      {"from 0 to 1", [](EndpointSnapshot& s) { s.arms.push_back(MakeArm(2, 2, ArmMode::kCanary, 1.5)); }},
      {"from 0 to 1", [](EndpointSnapshot& s) { s.arms.push_back(MakeArm(2, 2, ArmMode::kCanary, std::nan(""))); }},
      {"add up to 1.2", [](EndpointSnapshot& s) {
         s.arms.push_back(MakeArm(2, 2, ArmMode::kCanary, 0.6));
         s.arms.push_back(MakeArm(3, 2, ArmMode::kCanary, 0.6));
       }},
  };
  for (const Case& each : kCases) {
    EndpointSnapshot snapshot = LateEndpoint();
    each.damage(snapshot);
    const Status status = CheckSnapshot(snapshot);
    ASSERT_FALSE(status.has_value()) << each.message;
    EXPECT_EQ(status.error().code, ErrorCode::kInvalidArgument);
    EXPECT_NE(status.error().message.find(each.message), std::string::npos) << status.error().message;
  }
  EXPECT_TRUE(CheckSnapshot(LateEndpoint()).has_value());
}

TEST(Endpoint, ModesGoByName) {
  for (const ArmMode mode : {ArmMode::kLive, ArmMode::kCanary, ArmMode::kShadow, ArmMode::kWarm}) {
    EXPECT_EQ(ParseArmMode(ArmModeName(mode)).value(), mode);
  }
  EXPECT_FALSE(ParseArmMode("champion").has_value());
}

TEST(ContractPolicy, IsReadFromJson) {
  EXPECT_FALSE(ContractPolicy::FromJson(Json()).value().RefusesAny());
  const auto policy = ContractPolicy::FromJson(Json::Parse(R"({"out_of_range": "refuse", "not_finite": "allow"})").value());
  EXPECT_EQ(policy->For(data::ViolationKind::kOutOfRange), ContractAction::kRefuse);
  EXPECT_EQ(policy->For(data::ViolationKind::kNotFinite), ContractAction::kAllow);
  for (const char* text : {"[]", R"({"out_of_rang": "refuse"})", R"({"out_of_range": "ignore"})", R"({"out_of_range": 1})"}) {
    EXPECT_FALSE(ContractPolicy::FromJson(Json::Parse(text).value()).has_value()) << text;
  }
}

TEST(LoadArms, TakesPackagesThatAreServedAlready) {
  CountingSource source;
  const std::string one = source.Add(DelayPackage(1)), two = source.Add(DelayPackage(2));
  EndpointSnapshot base = LateEndpoint();
  const auto first = LoadArms(base, {{.version = 1, .package_id = one, .mode = ArmMode::kLive, .share = 0, .threshold = {}}},
                              nullptr, source).value();
  const auto second = LoadArms(base, {{.version = 2, .package_id = two, .mode = ArmMode::kLive, .share = 0, .threshold = 0.3},
                                      {.version = 1, .package_id = one, .mode = ArmMode::kWarm, .share = 0, .threshold = {}}},
                               &first, source).value();
  EXPECT_EQ(source.loads, 2);
  EXPECT_EQ(second.arms[1].package, first.arms[0].package);
  EXPECT_EQ(second.arms[0].threshold, 0.3);
}

TEST(LoadArms, TakesTheRequestFromTheLivePackageWhereThereIsNoService) {
  CountingSource source;
  EndpointSnapshot base = LateEndpoint();
  base.request = {};
  base.unit_column = "origin";
  const std::vector<ArmSpec> arms = {{.version = 1, .package_id = source.Add(DelayPackage(1)), .mode = ArmMode::kLive,
                                      .share = 0, .threshold = {}}};
  const auto loaded = LoadArms(base, arms, nullptr, source).value();
  EXPECT_EQ(loaded.request, (data::Schema{{{"delay", data::Type::kFloat64}, {"origin", data::Type::kString}}}));
}

TEST(LoadArms, RefusesAnotherNumberOfOutputsThanTheLiveArmHas) {
  CountingSource source;
  const std::vector<ArmSpec> arms = {
      {.version = 1, .package_id = source.Add(DelayPackage(1)), .mode = ArmMode::kLive, .share = 0, .threshold = {}},
      {.version = 2, .package_id = source.Add(ClassesPackage()), .mode = ArmMode::kShadow, .share = 0, .threshold = {}}};
  const auto refused = LoadArms(LateEndpoint(), arms, nullptr, source);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("version 2 predicts 3 numbers a row, version 1 predicts 1; give it an endpoint of its own"),
            std::string::npos);
}

TEST(LoadArms, AnswersWithTheSourcesError) {
  CountingSource source;
  const std::vector<ArmSpec> arms = {{.version = 1, .package_id = "gone", .mode = ArmMode::kLive, .share = 0, .threshold = {}}};
  const auto loaded = LoadArms(LateEndpoint(), arms, nullptr, source);
  ASSERT_FALSE(loaded.has_value());
  EXPECT_EQ(loaded.error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace sw::serve
