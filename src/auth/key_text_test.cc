#include "auth/key_text.h"

#include <gtest/gtest.h>

namespace sw::auth {
namespace {

const std::string kKey =
    KeyText("\x01\x02\x03\x04\x05\x06\x07\x08", std::string(kSecretBytes, '\xab'));

TEST(KeyText, NamesItsIdAndKeepsItsSecret) {
  EXPECT_EQ(kKey.size(), 84u);
  EXPECT_TRUE(kKey.starts_with("sw_0102030405060708_abab"));
  EXPECT_EQ(KeyId(kKey), "0102030405060708");
}

TEST(KeyText, AnythingElseHasNoId) {
  std::string upper = kKey;
  upper[3] = 'A';
  std::string bad_secret = kKey;
  bad_secret.back() = 'g';
  std::string no_dash = kKey;
  no_dash[19] = '0';
  for (const std::string& text :
       {std::string(), std::string("sw_"), kKey + "0", kKey.substr(1), upper, bad_secret, no_dash,
        std::string(84, '\0'), std::string(1 << 20, 'a')}) {
    EXPECT_EQ(KeyId(text), std::nullopt) << text.substr(0, 100);
  }
}

TEST(BearerToken, IsWhatFollowsTheScheme) {
  EXPECT_EQ(BearerToken("Bearer abc"), "abc");
  EXPECT_EQ(BearerToken("bEARER abc"), "abc");
  EXPECT_EQ(BearerToken("Tecton-key abc"), "abc");
  for (const char* text :
       {"", "Bearer", "Bearer ", "Basic abc", "Bearerabc", "abc", " Bearer abc"}) {
    EXPECT_EQ(BearerToken(text), std::nullopt) << text;
  }
}

TEST(EqualInConstantTime, ComparesEveryByte) {
  EXPECT_TRUE(EqualInConstantTime("", ""));
  EXPECT_TRUE(EqualInConstantTime("abc", "abc"));
  for (const char* other : {"", "ab", "abcd", "xbc", "axc", "abx"})
    EXPECT_FALSE(EqualInConstantTime("abc", other));
}

}  // namespace
}  // namespace sw::auth
