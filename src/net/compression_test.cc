#include "net/compression.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/random.h"

namespace sw::net {
namespace {

std::string Noise(std::size_t bytes) {
  base::Random random(bytes);
  std::string noise;
  for (std::size_t i = 0; i < bytes; ++i) noise.push_back(static_cast<char>(random.Below(i % 7 + 1)));
  return noise;
}

TEST(Compression, ComesBack) {
  for (const Encoding encoding : {Encoding::kIdentity, Encoding::kGzip, Encoding::kDeflate}) {
    for (const std::size_t bytes : {0UL, 1UL, 100UL, 65'536UL, 1'000'000UL}) {
      const std::string text = Noise(bytes), small = Compress(encoding, text);
      EXPECT_EQ(Decompress(encoding, small, bytes).value(), text);
      EXPECT_TRUE(bytes < 10'000 || encoding == Encoding::kIdentity || small.size() < text.size());
    }
  }
}

TEST(Compression, StopsAtTheLimit) {
  const std::string bomb = Compress(Encoding::kGzip, std::string(100u << 20, '\0'));
  EXPECT_LT(bomb.size(), 1u << 20);
  const auto made = Decompress(Encoding::kGzip, bomb, 1u << 20);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, ErrorCode::kResourceExhausted);
  EXPECT_THAT(made.error().message, testing::HasSubstr("body_bytes_max"));
}

TEST(Compression, OfWhatIsBrokenIsRefused) {
  const std::string text = Noise(5'000);
  for (const Encoding encoding : {Encoding::kGzip, Encoding::kDeflate}) {
    const std::string whole = Compress(encoding, text);
    for (std::size_t bytes = 0; bytes < whole.size(); bytes += 97) {
      const auto cut = Decompress(encoding, whole.substr(0, bytes), 1u << 20);
      ASSERT_FALSE(cut) << bytes;
      EXPECT_EQ(cut.error().code, ErrorCode::kInvalidArgument);
    }
    EXPECT_THAT(Decompress(encoding, whole + "x", 1u << 20).error().message, testing::HasSubstr("goes on for 1 bytes"));
    std::string wrong = whole;
    wrong[wrong.size() - 2] = static_cast<char>(~wrong[wrong.size() - 2]);  // of the checksum or the length
    EXPECT_FALSE(Decompress(encoding, wrong, 1u << 20));
    EXPECT_FALSE(Decompress(encoding, "hello", 1u << 20));
  }
  EXPECT_FALSE(Decompress(Encoding::kGzip, Compress(Encoding::kDeflate, text), 1u << 20));
}

TEST(ContentEncoding, IsOneOfThose) {
  EXPECT_EQ(ParseContentEncoding(""), Encoding::kIdentity);
  EXPECT_EQ(ParseContentEncoding(" GZIP "), Encoding::kGzip);
  EXPECT_EQ(ParseContentEncoding("deflate"), Encoding::kDeflate);
  for (const char* other : {"br", "gzip, gzip", "gzip,", "zstd"}) EXPECT_EQ(ParseContentEncoding(other), std::nullopt) << other;
}

TEST(AcceptEncoding, IsChosenByWeight) {
  const std::pair<const char*, Encoding> cases[] = {
      {"", Encoding::kIdentity}, {"gzip", Encoding::kGzip}, {"deflate, gzip", Encoding::kGzip}, {"gzip, deflate, br", Encoding::kGzip},
      {"gzip;q=0.2, deflate;q=0.3", Encoding::kDeflate}, {"gzip;q=0", Encoding::kIdentity}, {"br", Encoding::kIdentity},
      {"gzip;q=x", Encoding::kIdentity}, {"*", Encoding::kIdentity}, {",,;;", Encoding::kIdentity}};
  for (const auto& [accept, encoding] : cases) EXPECT_EQ(ChooseEncoding(accept), encoding) << accept;
}

}  // namespace
}  // namespace sw::net
