#include "feast/registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

#include "base/errors.h"
#include "base/files.h"

namespace sw::feast {
namespace {

namespace core = ::feast::core;
using testing::HasSubstr;

constexpr TimeUs kNow = 1'700'000'000'123'456;

core::Registry WithEntity(const std::string& name) {
  core::Registry objects;
  objects.set_version_id("theirs");
  core::Entity& entity = *objects.add_entities();
  entity.mutable_spec()->set_name(name);
  entity.mutable_spec()->set_project("credit");
  return objects;
}

class RegistryTest : public testing::Test {
 protected:
  ~RegistryTest() override { static_cast<void>(base::RemoveFolder(folder_)); }

  std::unique_ptr<Registry> Open() { return Registry::Open(path_, clock_, ids_).value(); }
  // As Feast writes: in place.
  void Overwrite(const std::string& bytes) const { std::ofstream(path_, std::ios::binary | std::ios::trunc) << bytes; }
  // Long ago, so that it counts as settled.
  void Settle() const { std::filesystem::last_write_time(path_, std::filesystem::file_time_type::clock::now() - std::chrono::hours(1)); }
  std::string Bytes() const { return base::ReadFile(path_).value(); }
  static std::string FirstEntity(const Registry& registry) {
    const RegistrySnapshot snapshot = registry.Snapshot().value();
    return snapshot->entities().empty() ? "" : snapshot->entities(0).spec().name();
  }
  static Status Add(Registry& registry, const std::string& name) {
    return registry.Change([&](core::Registry& objects) {
      objects.add_entities()->mutable_spec()->set_name(name);
      return Ok();
    });
  }

  const std::string folder_ = base::MakeTempFolder("sw-feast-").value();
  const std::string path_ = base::JoinPath(folder_, "data/registry.db");
  base::ManualClock clock_{kNow};
  base::IdGenerator ids_{clock_, base::Random(1)};
};

TEST_F(RegistryTest, AMissingFileIsEmptyAndTheFirstChangeMakesIt) {
  const auto registry = Open();
  EXPECT_EQ(registry->Snapshot().value()->ByteSizeLong(), 0U);
  EXPECT_FALSE(base::Exists(path_));
  ASSERT_TRUE(Add(*registry, "driver").has_value());
  core::Registry written;
  ASSERT_TRUE(written.ParseFromString(Bytes()));
  EXPECT_EQ(written.entities(0).spec().name(), "driver");
  EXPECT_EQ(written.registry_schema_version(), "1");
  EXPECT_TRUE(base::IsUuid(written.version_id()));
  EXPECT_EQ(written.last_updated().seconds(), 1'700'000'000);
  EXPECT_EQ(written.last_updated().nanos(), 123'456'000);
  EXPECT_EQ(FirstEntity(*Open()), "driver");
}

TEST_F(RegistryTest, AChangeThatFailsLeavesAllAsItWas) {
  const auto registry = Open();
  ASSERT_TRUE(Add(*registry, "driver").has_value());
  const std::string before = Bytes();
  const Status changed = registry->Change([](core::Registry& objects) -> Status {
    objects.Clear();
    return InvalidArgument("no");
  });
  EXPECT_EQ(changed.error().message, "no");
  EXPECT_EQ(Bytes(), before);
  EXPECT_EQ(FirstEntity(*registry), "driver");
}

TEST_F(RegistryTest, WhatOthersWriteIsSeenAtOnceEvenWithinOneTick) {
  const auto registry = Open();
  ASSERT_TRUE(Add(*registry, "first").has_value());
  for (int i = 0; i < 50; ++i) {
    const std::string name = fmt::format("e{:02}", i);
    Overwrite(WithEntity(name).SerializeAsString());  // of equal size
    ASSERT_EQ(FirstEntity(*registry), name);
  }
}

TEST_F(RegistryTest, AFileThatIsTheSameIsNotReadAgain) {
  ASSERT_TRUE(base::MakeFolders(folder_ + "/data").has_value());
  Overwrite(WithEntity("driver").SerializeAsString());
  Settle();
  const auto registry = Open();
  const RegistrySnapshot snapshot = registry->Snapshot().value();
  EXPECT_EQ(registry->Snapshot().value(), snapshot);
  Overwrite(WithEntity("driver").SerializeAsString());  // new times, same bytes
  EXPECT_EQ(registry->Snapshot().value(), snapshot);
}

TEST_F(RegistryTest, ARemovedFileIsAnEmptyRegistry) {
  const auto registry = Open();
  ASSERT_TRUE(Add(*registry, "driver").has_value());
  ASSERT_TRUE(base::RemoveFile(path_).has_value());
  EXPECT_EQ(FirstEntity(*registry), "");
}

TEST_F(RegistryTest, WhatIsNoRegistryIsAnErrorNeverOverwrittenAndTakenUpOnceItIsOne) {
  const auto registry = Open();
  ASSERT_TRUE(Add(*registry, "driver").has_value());
  for (const std::string& bytes : {std::string("not a registry"), WithEntity("cut").SerializeAsString().substr(0, 9), std::string(100, '\xff'),
                                   std::string("\x0a\x05\x0a\x03\x0a\x01\xff", 7)}) {
    Overwrite(bytes);
    EXPECT_EQ(registry->Snapshot().error().code, ErrorCode::kDataLoss);
    EXPECT_THAT(registry->Snapshot().error().message, HasSubstr("no Feast registry"));
    EXPECT_EQ(Add(*registry, "more").error().code, ErrorCode::kDataLoss);
    EXPECT_EQ(Bytes(), bytes);
  }
  Overwrite(WithEntity("back").SerializeAsString());
  EXPECT_EQ(FirstEntity(*registry), "back");
}

TEST_F(RegistryTest, AnEmptyFileIsOneBeingWrittenWhereThereWasARegistry) {
  ASSERT_TRUE(base::MakeFolders(folder_ + "/data").has_value());
  Overwrite("");
  const auto registry = Open();
  EXPECT_EQ(FirstEntity(*registry), "");
  ASSERT_TRUE(Add(*registry, "driver").has_value());
  Overwrite("");
  EXPECT_EQ(registry->Snapshot().error().code, ErrorCode::kUnavailable);
  EXPECT_FALSE(Add(*registry, "more").has_value());
  EXPECT_EQ(Bytes(), "");
}

TEST_F(RegistryTest, AFolderInItsPlaceIsRefused) {
  ASSERT_TRUE(base::MakeFolders(path_).has_value());
  EXPECT_EQ(Registry::Open(path_, clock_, ids_).error().code, ErrorCode::kFailedPrecondition);
}

TEST_F(RegistryTest, NestingWithoutEndIsRefused) {
  std::string bytes;
  for (int depth = 0; depth < 10'000; ++depth) {  // batch_source within batch_source
    std::string length;
    for (std::size_t left = bytes.size();; left >>= 7) {
      length += static_cast<char>((left & 0x7f) | (left > 0x7f ? 0x80 : 0));
      if (left <= 0x7f) break;
    }
    bytes = "\xd2\x01" + length + bytes;
  }
  EXPECT_EQ(ReadRegistry("\x62\x80\x80\x80\x80" + bytes).error().code, ErrorCode::kDataLoss);
  EXPECT_FALSE(ReadRegistry(bytes).has_value() && ReadRegistry(bytes).value()->data_sources_size() > 0);
}

TEST_F(RegistryTest, ARegistryThatCouldNotBeReadAgainIsNotWritten) {
  const auto registry = Open();
  const Status changed = registry->Change([](core::Registry& objects) {
    objects.add_entities()->mutable_spec()->set_name(std::string(kRegistryBytesMax, 'x'));
    return Ok();
  });
  EXPECT_EQ(changed.error().code, ErrorCode::kResourceExhausted);
  EXPECT_FALSE(base::Exists(path_));
  EXPECT_FALSE(base::Exists(folder_ + "/data"));
}

TEST_F(RegistryTest, AReplacedFileKeepsItsModeAndItsLink) {
  const auto registry = Open();
  ASSERT_TRUE(Add(*registry, "driver").has_value());
  ASSERT_EQ(chmod(path_.c_str(), 0640), 0);
  const std::string real = folder_ + "/real.db";
  std::filesystem::rename(path_, real);
  std::filesystem::create_symlink(real, path_);
  ASSERT_TRUE(Add(*registry, "rider").has_value());
  EXPECT_TRUE(std::filesystem::is_symlink(path_));
  struct stat found {};
  ASSERT_EQ(stat(real.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 07777U, 0640U);
  EXPECT_EQ(Open()->Snapshot().value()->entities_size(), 2);
}

TEST_F(RegistryTest, ChangesOfManyThreadsAllRemain) {
  const auto registry = Open();
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < 10; ++i) ASSERT_TRUE(Add(*registry, fmt::format("{}-{}", thread, i)).has_value());
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(Open()->Snapshot().value()->entities_size(), 40);
}

TEST_F(RegistryTest, AChangeRunsAgainOnWhatSomeoneElseWroteMeanwhile) {
  const auto registry = Open();
  int runs = 0;
  ASSERT_TRUE(registry->Change([&](core::Registry& objects) {
    if (++runs == 1) {
      EXPECT_TRUE(base::MakeFolders(folder_ + "/data").has_value());
      Overwrite(WithEntity("theirs").SerializeAsString());
    }
    objects.add_entities()->mutable_spec()->set_name("ours");
    return Ok();
  }).has_value());
  EXPECT_EQ(runs, 2);
  EXPECT_EQ(FirstEntity(*registry), "theirs");
  EXPECT_EQ(registry->Snapshot().value()->entities_size(), 2);
}

TEST_F(RegistryTest, ProjectsThatOnlyOldMetadataNamesAreProjects) {
  core::Registry objects;
  objects.add_project_metadata()->set_project("old");
  objects.add_projects()->mutable_spec()->set_name("new");
  objects.add_project_metadata()->set_project("new");
  const RegistrySnapshot read = ReadRegistry(objects.SerializeAsString()).value();
  ASSERT_EQ(read->projects_size(), 2);
  EXPECT_EQ(read->projects(1).spec().name(), "old");
}

TEST_F(RegistryTest, FieldsThatNobodyHereReadsAreKept) {
  core::Registry objects = WithEntity("driver");
  objects.GetReflection()->MutableUnknownFields(&objects)->AddLengthDelimited(999, "theirs");
  const std::string bytes = objects.SerializeAsString();
  ASSERT_TRUE(base::MakeFolders(folder_ + "/data").has_value());
  Overwrite(bytes);
  const auto registry = Open();
  ASSERT_TRUE(Add(*registry, "more").has_value());
  EXPECT_THAT(Bytes(), HasSubstr("theirs"));
}

}  // namespace
}  // namespace sw::feast
