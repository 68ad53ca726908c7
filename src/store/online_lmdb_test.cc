#include <gmock/gmock.h>
#include <lmdb.h>

#include "store/online_contract.h"
#include "store/online_keys.h"

namespace sw::store {
namespace {

using testing::HasSubstr;

INSTANTIATE_TEST_SUITE_P(Lmdb, OnlineContract, testing::Values(OnlineEngine{
                             "Lmdb", [](const std::string& folder) { return OpenLmdbOnline({.folder = folder}); }}),
                         [](const auto& engine) { return engine.param.name; });

// Puts a record below the engine, as a collision of hashes or a damaged page would.
void PutRaw(const std::string& folder, std::string physical, std::string record) {
  MDB_env* env = nullptr;
  ASSERT_EQ(mdb_env_create(&env), 0);
  ASSERT_EQ(mdb_env_open(env, folder.c_str(), 0, 0600), 0);
  MDB_txn* txn = nullptr;
  ASSERT_EQ(mdb_txn_begin(env, nullptr, 0, &txn), 0);
  MDB_dbi dbi = 0;
  ASSERT_EQ(mdb_dbi_open(txn, nullptr, 0, &dbi), 0);
  MDB_val key{physical.size(), physical.data()};
  MDB_val value{record.size(), record.data()};
  ASSERT_EQ(mdb_put(txn, dbi, &key, &value, 0), 0);
  ASSERT_EQ(mdb_txn_commit(txn), 0);
  mdb_env_close(env);
}

TEST(LmdbOnline, ALongKeyNeverAnswersWithTheValueOfAnotherThatHashesAlike) {
  const TempFolder folder;
  const std::vector<std::string> asked = {std::string(1'000, 'k')};
  const std::string other(1'001, 'k');
  ASSERT_TRUE(OpenLmdbOnline({.folder = folder.path}));
  PutRaw(folder.path, PhysicalKey(asked[0]), EncodeOnlineRecord(other, "of another key"));
  const auto online = OpenLmdbOnline({.folder = folder.path}).value();
  EXPECT_EQ(online->GetNow(asked).value()[0], std::nullopt);
}

TEST(LmdbOnline, DamagedRecordsOfLongKeysDecodeToNothing) {
  const std::string physical = PhysicalKey(std::string(1'000, 'k'));
  EXPECT_EQ(physical.size(), kOnlineKeyHashedBytes);
  for (const std::string& record : {std::string(), std::string("\1\0\0", 3), std::string("\2\0\0\0a", 5),
                                    std::string("\xff\xff\xff\xff-", 5)}) {
    EXPECT_FALSE(DecodeOnlineRecord(physical, record));
  }
}

TEST(LmdbOnline, AFullMapNamesItsLimitAndKeepsWhatIsThere) {
  const TempFolder folder;
  const auto online = OpenLmdbOnline({.folder = folder.path, .map_bytes = 1u << 20}).value();
  ASSERT_TRUE(online->PutNow({{"a", "1"}}));
  const Status full = online->PutNow({{"b", std::string(2u << 20, 'x')}});
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code, ErrorCode::kResourceExhausted);
  EXPECT_THAT(full.error().message, HasSubstr("map_bytes"));
  const std::vector<std::string> keys = {"a", "b"};
  EXPECT_EQ(online->GetNow(keys).value(), (OnlineStore::Values{"1", std::nullopt}));
}

TEST(LmdbOnline, ATooNewFolderAndAForeignFileAreRefused) {
  const TempFolder folder;
  ASSERT_TRUE(base::WriteFileAtomic(folder / "data.mdb", std::string(16'384, 'x')));
  const auto foreign = OpenLmdbOnline({.folder = folder.path});
  ASSERT_FALSE(foreign);
  EXPECT_EQ(foreign.error().code, ErrorCode::kDataLoss);
  ASSERT_TRUE(base::WriteFileAtomic(folder / "FORMAT", "seaworthy/online version=9 reader_min=9\n"));
  const auto newer = OpenLmdbOnline({.folder = folder.path});
  ASSERT_FALSE(newer);
  EXPECT_EQ(newer.error().code, ErrorCode::kFailedPrecondition);
}

}  // namespace
}  // namespace sw::store
