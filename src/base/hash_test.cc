#include "base/hash.h"

#include <gtest/gtest.h>

#include "base/crc32c.h"

namespace sw::base {
namespace {

TEST(Hash, Sha256MatchesFips180) {
  EXPECT_EQ(Sha256Hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(Sha256Hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  Sha256 parts;
  parts.Update("a");
  Sha256 moved = std::move(parts);
  moved.Update("bc");
  EXPECT_EQ(moved.FinishHex(), Sha256Hex("abc"));
}

TEST(Hash, Crc32cMatchesRfc3720) {
  EXPECT_EQ(Crc32c(std::string(32, '\0')), 0x8a9136aau);
  EXPECT_EQ(Crc32c(std::string(32, '\xff')), 0x62a8ab43u);
  EXPECT_EQ(Crc32c("123456789"), 0xe3069283u);
  EXPECT_EQ(Crc32c("456789", Crc32c("123")), 0xe3069283u);
}

TEST(Hash, Crc32cIsTheSameByTablesAndByTheInstruction) {
  std::string bytes;
  for (int i = 0; i < 100; ++i) bytes.push_back(static_cast<char>(i * 37));
  for (std::size_t from = 0; from < 10; ++from) {
    for (std::size_t size = 0; from + size <= bytes.size(); ++size) {
      const std::string_view part = std::string_view(bytes).substr(from, size);
      EXPECT_EQ(Crc32c(part, 7), Crc32cByTables(part, 7)) << from << " " << size;
    }
  }
}

TEST(Hash, Hash64IsXxh3AndDependsOnTheSeed) {
  EXPECT_EQ(Hash64(""), 0x2d06800538d394c2u);  // XXH3's published value of the empty input
  EXPECT_NE(Hash64("flight", 1), Hash64("flight", 2));
  EXPECT_EQ(HexEncode(std::string_view("\x00\xff\x1a", 3)), "00ff1a");
}

}  // namespace
}  // namespace sw::base
