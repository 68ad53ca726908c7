#include "base/files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/format_version.h"

namespace sw::base {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class Files : public testing::Test {
 protected:
  void SetUp() override { folder_ = MakeTempFolder("files-test").value(); }
  void TearDown() override { EXPECT_TRUE(RemoveFolder(folder_)); }
  std::string In(std::string_view name) const { return JoinPath(folder_, name); }
  std::string folder_;
};

TEST_F(Files, AtomicWriteReplacesAndLeavesNothingBehind) {
  ASSERT_TRUE(WriteFileAtomic(In("a"), "old"));
  ASSERT_TRUE(WriteFileAtomic(In("a"), std::string_view("n\0w", 3)));
  EXPECT_EQ(ReadFile(In("a")).value(), std::string_view("n\0w", 3));
  EXPECT_THAT(ListFolder(folder_).value(), ElementsAre("a"));
  ASSERT_TRUE(MakeFolders(In("taken")));
  EXPECT_FALSE(WriteFileAtomic(In("taken"), "x"));
  EXPECT_THAT(ListFolder(folder_).value(), ElementsAre("a", "taken"));
}

TEST_F(Files, ErrorsNameThePath) {
  const Error error = ReadFile(In("missing")).error();
  EXPECT_EQ(error.code, ErrorCode::kNotFound);
  EXPECT_THAT(error.message, HasSubstr(In("missing")));
  EXPECT_EQ(ListFolder(In("missing")).error().code, ErrorCode::kNotFound);
  EXPECT_FALSE(ReadFile(folder_));
  EXPECT_EQ(RemoveFile(In("missing")).error().code, ErrorCode::kNotFound);
}

TEST_F(Files, ReadStopsAtTheLimit) {
  ASSERT_TRUE(WriteFileAtomic(In("a"), "12345"));
  EXPECT_EQ(ReadFile(In("a"), 5).value(), "12345");
  EXPECT_EQ(ReadFile(In("a"), 4).error().code, ErrorCode::kResourceExhausted);
  EXPECT_FALSE(ReadFile("/proc/self/status").value().empty());
  EXPECT_EQ(ReadFile("/dev/zero", 100'000).error().code, ErrorCode::kResourceExhausted);
}

TEST_F(Files, PathsFromOutsideStayWithinTheirFolder) {
  ASSERT_TRUE(MakeFolders(In("model/data")));
  ASSERT_TRUE(WriteFileAtomic(In("secret"), "s"));
  ASSERT_TRUE(WriteFileAtomic(In("model/data/a.txt"), "1234"));
  ASSERT_EQ(symlink(In("secret").c_str(), In("model/link").c_str()), 0);
  ASSERT_EQ(symlink(folder_.c_str(), In("model/up").c_str()), 0);
  ASSERT_EQ(mkfifo(In("model/pipe").c_str(), 0600), 0);
  EXPECT_EQ(ReadFileWithin(In("model"), "data/a.txt", 4).value(), "1234");
  EXPECT_EQ(ReadFileWithin(In("model"), "data/a.txt", 3).error().code,
            ErrorCode::kResourceExhausted);
  EXPECT_EQ(ReadFileWithin(In("model"), "data/b.txt", 4).error().code, ErrorCode::kNotFound);
  const std::string absolute = In("secret");
  const std::string with_zero = std::string("data/a.txt\0", 11);
  for (const std::string& path :
       {std::string("../secret"), std::string("data/../../secret"), absolute, std::string("link"),
        std::string("up/secret"), std::string("pipe"), std::string("data"), std::string(""),
        std::string("."), std::string("./data/a.txt"), std::string("data//a.txt"),
        std::string("data/a.txt/"), with_zero}) {
    EXPECT_EQ(ReadFileWithin(In("model"), path, 99).error().code, ErrorCode::kInvalidArgument)
        << path;
  }
}

TEST_F(Files, AppendsAndReadsAtOffsets) {
  File file = File::OpenForAppend(In("log")).value();
  ASSERT_TRUE(file.Append("hello "));
  ASSERT_TRUE(file.Append("world"));
  ASSERT_TRUE(file.Sync());
  File both = File::OpenForReadWrite(In("log")).value();
  ASSERT_TRUE(both.WriteAt(0, "J"));
  std::string bytes(100, ' ');
  bytes.resize(both.ReadAt(4, bytes.data(), bytes.size()).value());
  EXPECT_EQ(bytes, "o world");
  ASSERT_TRUE(both.Truncate(5));
  EXPECT_EQ(both.Size().value(), 5u);
  EXPECT_TRUE(both.Rewrite());
  EXPECT_EQ(ReadFile(In("log")).value(), "Jello");
  struct stat info{};
  ASSERT_EQ(stat(In("log").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST_F(Files, LockIsHeldUntilItsFileCloses) {
  File first = File::OpenForReadWrite(In("LOCK")).value();
  ASSERT_TRUE(first.Lock());
  File second = File::OpenForReadWrite(In("LOCK")).value();
  EXPECT_EQ(second.Lock().error().code, ErrorCode::kFailedPrecondition);
  first = File();
  EXPECT_TRUE(second.Lock());
}

TEST_F(Files, MakesFoldersOnceAndNotOverFiles) {
  EXPECT_TRUE(MakeFolders(In("x/y/z")));
  EXPECT_TRUE(MakeFolders(In("x/y/z/")));
  ASSERT_TRUE(WriteFileAtomic(In("x/f"), ""));
  EXPECT_EQ(MakeFolders(In("x/f")).error().code, ErrorCode::kAlreadyExists);
  EXPECT_FALSE(MakeFolders(In("x/f/g")));
}

TEST_F(Files, FormatIsWrittenOnceAndNewerOnesAreRefused) {
  const FormatVersion ours{"seaworthy/logbook", 1, 0};
  ASSERT_TRUE(OpenFormat(folder_, ours));
  EXPECT_EQ(ReadFile(In("FORMAT")).value(), "seaworthy/logbook version=1 reader_min=0\n");
  EXPECT_TRUE(OpenFormat(folder_, ours));
  EXPECT_FALSE(OpenFormat(folder_, {"seaworthy/blobs", 1, 0}));
  ASSERT_TRUE(WriteFileAtomic(In("FORMAT"), "seaworthy/logbook version=3 reader_min=2\n"));
  EXPECT_EQ(
      OpenFormat(folder_, ours).error().message,
      "seaworthy/logbook: written by format 3, needs a reader of 2, this is 1; upgrade seaworthy");
  ASSERT_TRUE(WriteFileAtomic(In("FORMAT"), "seaworthy/logbook version=9 reader_min=1\n"));
  EXPECT_TRUE(OpenFormat(folder_, ours));
}

TEST(FormatVersion, RefusesDamagedLines) {
  for (const char* line : {"", "x", "x version=", "x version=1", " version=1 reader_min=0",
                           "x version=1 reader_min=0 y", "x version=-1 reader_min=0",
                           "x version=99999999999 reader_min=0"}) {
    EXPECT_EQ(ParseFormatVersion(line).error().code, ErrorCode::kDataLoss) << line;
  }
  EXPECT_EQ(ParseFormatVersion("x version=2 reader_min=1").value(), (FormatVersion{"x", 2, 1}));
}

}  // namespace
}  // namespace sw::base
