#include "auth/access.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/temp_folder.h"

namespace sw::auth {
namespace {

template <typename T>
ErrorCode CodeOf(const Result<T>& result) {
  return result ? ErrorCode::kInternal : result.error().code;
}

class AccessTest : public testing::Test {
 protected:
  CreatedKey Create() {
    return keyring_->Create(LocalCaller(), {.principal = "ci", .scopes = {"models.read"}}).value();
  }

  store::TempFolder folder_;
  base::ManualClock clock_{1'370'000'000'000'000};
  std::unique_ptr<store::Catalog> catalog_ =
      store::OpenSqliteCatalog({.path = folder_ / "catalog.sqlite", .clock = &clock_}).value();
  std::unique_ptr<Keyring> keyring_ = Keyring::Open(*catalog_, clock_, SystemEntropy).value();
};

TEST(IsLoopbackAddress, KnowsLoopbackOnly) {
  for (const char* address : {"127.0.0.1:0", "127.0.0.1:8080", "localhost:80", "[::1]:80"}) {
    EXPECT_TRUE(IsLoopbackAddress(address)) << address;
  }
  for (const char* address :
       {"0.0.0.0:80", ":80", "[::]:80", "10.0.0.1:80", "127.0.0.1.example.com:80", "127.0.0.1",
        "example.com:80", "[::ffff:127.0.0.1]:80", "localhost.example.com:1", ""}) {
    EXPECT_FALSE(IsLoopbackAddress(address)) << address;
  }
}

TEST_F(AccessTest, WithoutAKeyOnlyLoopbackIsListenedOn) {
  const Access access = Access::Decide({"127.0.0.1:0", "[::1]:0"}, *keyring_).value();
  EXPECT_TRUE(access.loopback_only());
  EXPECT_EQ(access.Admit("", "models.write")->principal, "local");
  const auto open = Access::Decide({"127.0.0.1:0", "0.0.0.0:80"}, *keyring_);
  ASSERT_EQ(CodeOf(open), ErrorCode::kFailedPrecondition);
  EXPECT_THAT(open.error().message, testing::HasSubstr("0.0.0.0:80"));
  EXPECT_THAT(open.error().message, testing::HasSubstr("seaworthy keys create"));
}

TEST_F(AccessTest, AWrongKeyIsRefusedEvenWhereNoneIsNeeded) {
  const Access access = Access::Decide({"127.0.0.1:0"}, *keyring_).value();
  EXPECT_EQ(CodeOf(access.Admit("Bearer x", "models.read")), ErrorCode::kUnauthenticated);
  EXPECT_TRUE(access.Admit("AWS4-HMAC-SHA256 Credential=none/20261130/us-east-1/sagemaker/aws4_request", "predict"));
}

TEST_F(AccessTest, WithAKeyEveryRequestNeedsOne) {
  const CreatedKey key = Create();
  const Access access = Access::Decide({"127.0.0.1:0", "0.0.0.0:80"}, *keyring_).value();
  EXPECT_FALSE(access.loopback_only());
  EXPECT_EQ(CodeOf(access.Admit("", "models.read")), ErrorCode::kUnauthenticated);
  EXPECT_EQ(access.Admit("Bearer " + key.secret, "models.read")->principal, "ci");
  EXPECT_EQ(CodeOf(access.Admit("Bearer " + key.secret, "models.write")),
            ErrorCode::kPermissionDenied);
}

TEST_F(AccessTest, AServerClosesWhenItsFirstKeyComes) {
  const Access access = Access::Decide({"127.0.0.1:0"}, *keyring_).value();
  const CreatedKey key = Create();
  EXPECT_EQ(CodeOf(access.Admit("", "models.read")), ErrorCode::kUnauthenticated);
  EXPECT_TRUE(access.Admit("Bearer " + key.secret, "models.read"));
}

TEST_F(AccessTest, AServerDoesNotOpenWhenItsLastKeyGoes) {
  const CreatedKey key = Create();
  const Access access = Access::Decide({"0.0.0.0:80"}, *keyring_).value();
  ASSERT_TRUE(keyring_->Revoke(LocalCaller(), key.info.id));
  EXPECT_EQ(CodeOf(access.Admit("", "models.read")), ErrorCode::kUnauthenticated);
  EXPECT_EQ(CodeOf(access.Admit("Bearer " + key.secret, "models.read")),
            ErrorCode::kUnauthenticated);
}

}  // namespace
}  // namespace sw::auth
