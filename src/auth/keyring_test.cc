#include "auth/keyring.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "auth/access.h"
#include "store/temp_folder.h"

namespace sw::auth {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

template <typename T>
ErrorCode CodeOf(const Result<T>& result) {
  return result ? ErrorCode::kInternal : result.error().code;
}

class KeyringTest : public testing::Test {
 protected:
  KeyringTest() { Reopen(); }
  void Reopen() {
    keyring_.reset();
    catalog_.reset();
    catalog_ =
        store::OpenSqliteCatalog({.path = folder_ / "catalog.sqlite", .clock = &clock_}).value();
    keyring_ = Keyring::Open(*catalog_, clock_, SystemEntropy).value();
  }
  CreatedKey Create(std::vector<std::string> scopes = {"models.read"}, TimeUs expires = 0) {
    return keyring_
        ->Create(LocalCaller(),
                 {.principal = "ci", .scopes = std::move(scopes), .expires = expires})
        .value();
  }
  Result<Caller> Authenticate(const std::string& secret) {
    return keyring_->Authenticate("Bearer " + secret);
  }

  store::TempFolder folder_;
  base::ManualClock clock_{1'370'000'000'000'000};
  std::unique_ptr<store::Catalog> catalog_;
  std::unique_ptr<Keyring> keyring_;
};

TEST_F(KeyringTest, AKeySaysWhoAsksAlsoAfterARestart) {
  const CreatedKey key = Create({"models.read", "models.write"});
  Reopen();
  const Caller caller = Authenticate(key.secret).value();
  EXPECT_EQ(caller.principal, "ci");
  EXPECT_EQ(caller.workspace, "default");
  EXPECT_THAT(caller.scopes, ElementsAre("models.read", "models.write"));
  EXPECT_TRUE(CheckScope(caller, "models.write"));
  EXPECT_TRUE(CheckScope(caller, ""));
  EXPECT_EQ(CodeOf(CheckScope(caller, "admin")), ErrorCode::kPermissionDenied);
}

TEST_F(KeyringTest, WhatIsNoKeyIsRefusedInOneAndTheSameWay) {
  const CreatedKey key = Create();
  std::string wrong_secret = key.secret;
  wrong_secret.back() = wrong_secret.back() == '0' ? '1' : '0';
  std::string unknown_id = key.secret;
  unknown_id[3] = unknown_id[3] == '0' ? '1' : '0';
  const Error wrong = Authenticate(wrong_secret).error();
  EXPECT_EQ(wrong.code, ErrorCode::kUnauthenticated);
  EXPECT_EQ(Authenticate(unknown_id).error(), wrong);
  EXPECT_EQ(Authenticate("x").error(), wrong);
  EXPECT_EQ(Authenticate(key.secret + " ").error(), wrong);
  EXPECT_EQ(CodeOf(keyring_->Authenticate("")), ErrorCode::kUnauthenticated);
  EXPECT_EQ(CodeOf(keyring_->Authenticate(key.secret)), ErrorCode::kUnauthenticated);  // no scheme
}

TEST_F(KeyringTest, TheSecretIsNotInTheCatalog) {
  const CreatedKey key = Create();
  const std::string secret_part = key.secret.substr(key.secret.rfind('_') + 1);
  ASSERT_TRUE(catalog_->Read([&](store::CatalogReader& reader) -> Status {
    for (const store::SqlRow& row : SW_TRY(reader.Query("SELECT * FROM auth_keys"))) {
      for (const store::SqlValue& value : row.values()) {
        if (const auto* text = std::get_if<std::string>(&value)) {
          EXPECT_EQ(text->find(secret_part), std::string::npos);
        }
      }
    }
    return Ok();
  }));
  EXPECT_EQ(KeyToJson(key.info).Dump().find(secret_part), std::string::npos);
}

TEST_F(KeyringTest, EachKeyIsAnother) {
  const CreatedKey first = Create();
  const CreatedKey second = Create();
  EXPECT_NE(first.info.id, second.info.id);
  EXPECT_NE(first.secret.substr(20), second.secret.substr(20));
  EXPECT_EQ(keyring_->List(LocalCaller())->size(), 2u);
}

TEST_F(KeyringTest, AnExpiredKeyIsRefusedButStillCounts) {
  const CreatedKey key = Create({"models.read"}, clock_.Now() + 10);
  EXPECT_TRUE(Authenticate(key.secret));
  clock_.AdvanceTo(clock_.Now() + 10).value();
  EXPECT_THAT(Authenticate(key.secret).error().message, HasSubstr("expired at 2013-"));
  EXPECT_TRUE(keyring_->HasKeys());
  EXPECT_EQ(CodeOf(keyring_->Create(LocalCaller(),
                                    {.principal = "ci", .scopes = {"*"}, .expires = clock_.Now()})),
            ErrorCode::kInvalidArgument);
}

TEST_F(KeyringTest, ARevokedKeyIsGoneAtOnceAndForGood) {
  const CreatedKey key = Create();
  ASSERT_TRUE(keyring_->Revoke(LocalCaller(), key.info.id));
  EXPECT_EQ(CodeOf(Authenticate(key.secret)), ErrorCode::kUnauthenticated);
  EXPECT_FALSE(keyring_->HasKeys());
  EXPECT_TRUE(keyring_->List(LocalCaller())->empty());
  EXPECT_EQ(CodeOf(keyring_->Revoke(LocalCaller(), key.info.id)), ErrorCode::kNotFound);
  Reopen();
  EXPECT_EQ(CodeOf(Authenticate(key.secret)), ErrorCode::kUnauthenticated);
}

TEST_F(KeyringTest, WhatAnotherProcessChangedComesWithRefresh) {
  auto other = Keyring::Open(*catalog_, clock_, SystemEntropy).value();
  const CreatedKey key = Create();
  EXPECT_FALSE(other->HasKeys());
  ASSERT_TRUE(other->Refresh());
  EXPECT_TRUE(other->Authenticate("Bearer " + key.secret));
}

TEST_F(KeyringTest, NobodyMakesAKeyThatMayMoreThanItsMaker) {
  Caller maker;
  maker.principal = "mel";
  maker.scopes = {"keys.write", "models.read"};
  EXPECT_TRUE(keyring_->Create(maker, {.principal = "ci", .scopes = {"models.read"}}));
  EXPECT_EQ(CodeOf(keyring_->Create(maker, {.principal = "ci", .scopes = {"models.write"}})),
            ErrorCode::kPermissionDenied);
  EXPECT_EQ(CodeOf(keyring_->Create(maker, {.principal = "ci", .scopes = {"*"}})),
            ErrorCode::kPermissionDenied);
  EXPECT_EQ(CodeOf(keyring_->Create(
                maker, {.principal = "ci", .workspace = "other", .scopes = {"models.read"}})),
            ErrorCode::kPermissionDenied);
  EXPECT_TRUE(
      keyring_->Create(LocalCaller(), {.principal = "ci", .workspace = "other", .scopes = {"*"}}));
}

TEST_F(KeyringTest, AKeyIsSeenAndRevokedFromItsOwnWorkspaceOnly) {
  const CreatedKey key = Create();
  Caller elsewhere = LocalCaller();
  elsewhere.workspace = "other";
  EXPECT_TRUE(keyring_->List(elsewhere)->empty());
  EXPECT_EQ(CodeOf(keyring_->Revoke(elsewhere, key.info.id)), ErrorCode::kNotFound);
  EXPECT_TRUE(Authenticate(key.secret));
}

TEST_F(KeyringTest, RefusesWhatIsNoPrincipalAndNoScope) {
  const Caller local = LocalCaller();
  for (const char* principal : {"", "a b", "a\nb", "../x"}) {
    EXPECT_EQ(CodeOf(keyring_->Create(local, {.principal = principal, .scopes = {"*"}})),
              ErrorCode::kInvalidArgument)
        << principal;
  }
  for (const std::vector<std::string>& scopes :
       {std::vector<std::string>{}, {""}, {"a b"}, {"**"}, std::vector<std::string>(101, "a")}) {
    EXPECT_EQ(CodeOf(keyring_->Create(local, {.principal = "ci", .scopes = scopes})),
              ErrorCode::kInvalidArgument);
  }
  EXPECT_TRUE(CheckScopes({"*", "a"}, {"a", "b"}));
  EXPECT_THAT(CheckScopes({"c"}, {"a", "b"}).error().message,
              HasSubstr("\"c\"; there are *, a, b"));
}

TEST_F(KeyringTest, WithoutRandomBytesThereIsNoKey) {
  auto keyring = Keyring::Open(*catalog_, clock_, [](std::size_t) -> Result<std::string> {
                   return base::MakeError(ErrorCode::kUnavailable, "no entropy");
                 }).value();
  EXPECT_EQ(CodeOf(keyring->Create(LocalCaller(), {.principal = "ci", .scopes = {"*"}})),
            ErrorCode::kUnavailable);
  EXPECT_FALSE(keyring->HasKeys());
}

TEST_F(KeyringTest, RequestsAreAnsweredWhileKeysComeAndGo) {
  const CreatedKey lasting = Create();
  std::atomic<bool> stop = false;
  {
    std::jthread asks([&] {
      while (!stop) EXPECT_TRUE(Authenticate(lasting.secret));
    });
    for (int i = 0; i < 20; ++i) EXPECT_TRUE(keyring_->Revoke(LocalCaller(), Create().info.id));
    stop = true;
  }
  EXPECT_EQ(keyring_->List(LocalCaller())->size(), 1u);
}

}  // namespace
}  // namespace sw::auth
