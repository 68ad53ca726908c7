#include "registry/registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <thread>

#include "base/errors.h"
#include "store/temp_folder.h"

namespace sw::registry {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::string kPackage(64, 'a');
const std::string kOther(64, 'b');

std::string VerdictId(int n) { return fmt::format("01890000-0000-7000-8000-{:012}", n); }

template <typename T>
ErrorCode CodeOf(const Result<T>& result) {
  return result ? ErrorCode::kInternal : result.error().code;
}

class RegistryTest : public testing::Test {
 protected:
  RegistryTest() { Reopen(); }
  void Reopen() {
    registry_.reset();
    catalog_.reset();
    catalog_ =
        store::OpenSqliteCatalog({.path = folder_ / "catalog.sqlite", .clock = &clock_}).value();
    registry_ = Registry::Open(*catalog_, clock_).value();
  }
  Version Register(const std::string& package = kPackage, const std::string& model = "late") {
    return registry_->Register(ann_, {.model = model, .package_id = package}).value();
  }
  Result<Version> Say(int id, const char* kind, const char* result, std::int64_t number = 1) {
    return registry_->Record(
        ann_, "late", number,
        {.id = VerdictId(id), .kind = kind, .result = result, .alpha = 0.05, .summary = "so"});
  }

  static Caller As(const char* principal, const char* workspace) {
    Caller caller;
    caller.principal = principal;
    caller.workspace = workspace;
    return caller;
  }

  store::TempFolder folder_;
  base::ManualClock clock_{1'370'000'000'000'000};
  Caller ann_ = As("ann", "default");
  std::unique_ptr<store::Catalog> catalog_;
  std::unique_ptr<Registry> registry_;
};

TEST_F(RegistryTest, NumbersVersionsAndKeepsThemOverARestart) {
  EXPECT_EQ(Register(kPackage).number, 1);
  Json lineage = Json::MakeObject({{"training_set", "late"}});
  const Version second = registry_
                             ->Register(ann_, {.model = "late",
                                               .package_id = kOther,
                                               .run_id = "run",
                                               .lineage = lineage,
                                               .description = "June"})
                             .value();
  EXPECT_EQ(second.number, 2);
  Reopen();
  const Version read = registry_->Get(ann_, "late", 2).value();
  EXPECT_EQ(read.package_id, kOther);
  EXPECT_EQ(read.lineage, lineage);
  EXPECT_EQ(read.description, "June");
  EXPECT_EQ(read.created, clock_.Now());
  EXPECT_EQ(read.created_by, "ann");
  EXPECT_EQ(read.state, VersionState::kCandidate);
  EXPECT_TRUE(registry_->Get(ann_, "late", 1)->lineage.IsNull());
  EXPECT_EQ(registry_->Versions(ann_, "late")->front().number, 2);
}

TEST_F(RegistryTest, OnePackageIsOneVersionOfAModel) {
  EXPECT_EQ(Register(kPackage).number, 1);
  EXPECT_EQ(Register(kOther).number, 2);
  EXPECT_EQ(Register(kPackage).number, 1);
  EXPECT_EQ(Register(kPackage, "other").number, 1);
  EXPECT_THAT(registry_->PackageIds().value(), ElementsAre(kPackage, kOther));
}

TEST_F(RegistryTest, RefusesWhatIsNoNameAndNoHash) {
  for (const char* model :
       {"", ".x", "-x", "a/b", "a b", "a'; DROP TABLE registry_models; --", "\xc3\xa4"}) {
    EXPECT_EQ(CodeOf(registry_->Register(ann_, {.model = model, .package_id = kPackage})),
              ErrorCode::kInvalidArgument)
        << model;
  }
  for (const std::string& package :
       {std::string(), std::string(63, 'a'), std::string(64, 'A'), std::string(64, 'g')}) {
    EXPECT_EQ(CodeOf(registry_->Register(ann_, {.model = "late", .package_id = package})),
              ErrorCode::kInvalidArgument)
        << package;
  }
  EXPECT_TRUE(registry_->Models(ann_)->empty());
}

TEST_F(RegistryTest, AnErrorNamesWhatThereIs) {
  EXPECT_THAT(registry_->Get(ann_, "late", 1).error().message, HasSubstr("none is registered yet"));
  Register();
  EXPECT_THAT(registry_->Get(ann_, "lat", 1).error().message, HasSubstr("near it: late"));
  EXPECT_THAT(registry_->Get(ann_, "late", 7).error().message,
              HasSubstr("no version 7; its newest is 1"));
  EXPECT_EQ(CodeOf(registry_->Get(ann_, "late", 0)), ErrorCode::kNotFound);
  EXPECT_EQ(CodeOf(registry_->Resolve(ann_, "late", "99999999999999999999")), ErrorCode::kNotFound);
  EXPECT_THAT(registry_->Resolve(ann_, "late", "champion").error().message,
              HasSubstr("it has: none"));
}

TEST_F(RegistryTest, AnAliasMovesAndResolves) {
  Register(kPackage);
  Register(kOther);
  ASSERT_TRUE(registry_->SetAlias(ann_, "late", "champion", 1));
  ASSERT_TRUE(registry_->SetAlias(ann_, "late", "oldest", 1));
  EXPECT_THAT(registry_->Get(ann_, "late", 1)->aliases, ElementsAre("champion", "oldest"));
  ASSERT_TRUE(registry_->SetAlias(ann_, "late", "champion", 2));
  EXPECT_EQ(registry_->Resolve(ann_, "late", "champion")->number, 2);
  EXPECT_EQ(registry_->Resolve(ann_, "late", "1")->number, 1);
  EXPECT_EQ(registry_->Resolve(ann_, "late", "latest")->number, 2);
  EXPECT_EQ(registry_->GetModel(ann_, "late")->aliases.at("champion"), 2);
  ASSERT_TRUE(registry_->DropAlias(ann_, "late", "champion"));
  EXPECT_EQ(CodeOf(registry_->Resolve(ann_, "late", "champion")), ErrorCode::kNotFound);
  EXPECT_EQ(CodeOf(registry_->DropAlias(ann_, "late", "champion")), ErrorCode::kNotFound);
}

TEST_F(RegistryTest, AnAliasIsNoNumberAndNamesAVersionInUse) {
  Register();
  for (const char* alias : {"1", "007", "latest", "", "a/b"}) {
    EXPECT_EQ(CodeOf(registry_->SetAlias(ann_, "late", alias, 1)), ErrorCode::kInvalidArgument)
        << alias;
  }
  EXPECT_EQ(CodeOf(registry_->SetAlias(ann_, "late", "champion", 2)), ErrorCode::kNotFound);
  ASSERT_TRUE(registry_->SetAlias(ann_, "late", "champion", 1));
  EXPECT_EQ(CodeOf(registry_->Archive(ann_, "late", 1)), ErrorCode::kFailedPrecondition);
  ASSERT_TRUE(registry_->DropAlias(ann_, "late", "champion"));
  ASSERT_TRUE(registry_->Archive(ann_, "late", 1));
  EXPECT_EQ(CodeOf(registry_->SetAlias(ann_, "late", "champion", 1)),
            ErrorCode::kFailedPrecondition);
  EXPECT_EQ(Register().state, VersionState::kCandidate);  // registered again, it is back
}

TEST_F(RegistryTest, AVersionServesOnlyOnceAGateOrAPersonApproved) {
  EXPECT_EQ(CodeOf(CheckMayServe(Register())), ErrorCode::kFailedPrecondition);
  EXPECT_EQ(CodeOf(CheckMayServe(Say(1, "gate", "undecided").value())),
            ErrorCode::kFailedPrecondition);
  const Status refused = CheckMayServe(Say(2, "gate", "fail").value());
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr(VerdictId(2)));
  clock_.AdvanceTo(clock_.Now() + 1).value();
  const Version approved = Say(3, "override", "pass").value();
  EXPECT_TRUE(CheckMayServe(approved));
  EXPECT_THAT(approved.verdict_ids, ElementsAre(VerdictId(1), VerdictId(2), VerdictId(3)));
  const auto verdicts = registry_->Verdicts(ann_, "late", 1).value();
  EXPECT_EQ(verdicts.back().principal, "ann");
  EXPECT_EQ(verdicts.back().time, clock_.Now());
}

TEST_F(RegistryTest, AVerdictReachesTheLogbookOnceEvenWhenRecordedTwice) {
  Register();
  ASSERT_TRUE(Say(1, "gate", "pass"));
  ASSERT_TRUE(Say(1, "gate", "pass"));
  EXPECT_EQ(CodeOf(Say(1, "gate", "fail")), ErrorCode::kAlreadyExists);
  const auto outbox = catalog_->Outbox(10).value();
  ASSERT_EQ(outbox.size(), 1u);
  EXPECT_EQ(outbox[0].stream, "verdicts");
  EXPECT_EQ(outbox[0].id, VerdictId(1));
  EXPECT_EQ(outbox[0].row.Find("subject")->String(0), "late/1");
  EXPECT_EQ(outbox[0].row.Find("result")->String(0), "pass");
}

TEST_F(RegistryTest, RefusesVerdictsThatAreNone) {
  Register();
  EXPECT_FALSE(registry_->Record(ann_, "late", 1, {.id = "x", .kind = "gate", .result = "pass"}));
  EXPECT_FALSE(Say(1, "gut feeling", "pass"));
  EXPECT_FALSE(Say(1, "gate", "perhaps"));
  EXPECT_FALSE(Say(1, "gate", "pass", 2));
  EXPECT_FALSE(registry_->Record(
      ann_, "late", 1,
      {.id = VerdictId(1), .kind = "gate", .result = "pass", .alpha = std::nan("")}));
  EXPECT_THAT(
      registry_->Record(ann_, "late", 1, {.id = VerdictId(1), .kind = "override", .result = "pass"})
          .error()
          .message,
      HasSubstr("say why"));
  EXPECT_TRUE(catalog_->Outbox(10)->empty());
}

TEST_F(RegistryTest, ACallerSeesItsOwnWorkspaceOnly) {
  Register();
  const Caller eve = As("eve", "elsewhere");
  EXPECT_TRUE(registry_->Models(eve)->empty());
  EXPECT_EQ(CodeOf(registry_->Get(eve, "late", 1)), ErrorCode::kNotFound);
  EXPECT_EQ(CodeOf(registry_->SetAlias(eve, "late", "champion", 1)), ErrorCode::kNotFound);
  EXPECT_EQ(CodeOf(registry_->Archive(eve, "late", 1)), ErrorCode::kNotFound);
  EXPECT_EQ(CodeOf(registry_->Record(eve, "late", 1,
                                     {.id = VerdictId(1), .kind = "gate", .result = "pass"})),
            ErrorCode::kNotFound);
  EXPECT_EQ(registry_->Register(eve, {.model = "late", .package_id = kOther})->number, 1);
  EXPECT_EQ(Register().number, 1);
}

TEST_F(RegistryTest, ConcurrentRegistrationsEachGetTheirNumber) {
  constexpr int kThreads = 8;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] { Register(std::string(63, 'c') + static_cast<char>('0' + t)); });
    }
  }
  const auto versions = registry_->Versions(ann_, "late").value();
  ASSERT_EQ(versions.size(), 8u);
  for (int i = 0; i < kThreads; ++i)
    EXPECT_EQ(versions[static_cast<std::size_t>(i)].number, kThreads - i);
}

TEST_F(RegistryTest, JsonNamesStateAndAliases) {
  Register();
  ASSERT_TRUE(registry_->SetAlias(ann_, "late", "champion", 1));
  ASSERT_TRUE(registry_->Describe(ann_, "late", "late flights"));
  EXPECT_THAT(VersionToJson(registry_->Get(ann_, "late", 1).value()).Dump(),
              HasSubstr(R"("state":"candidate")"));
  EXPECT_THAT(ModelToJson(registry_->GetModel(ann_, "late").value()).Dump(),
              HasSubstr(R"("description":"late flights")"));
  EXPECT_THAT(ModelToJson(registry_->Models(ann_)->at(0)).Dump(),
              HasSubstr(R"("aliases":{"champion":1})"));
}

}  // namespace
}  // namespace sw::registry
