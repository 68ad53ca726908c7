// SqliteConnection: one connection to the catalog's file, with its prepared statements.
//
//   auto db = SW_TRY(SqliteConnection::Open(path, SqliteConnection::Mode::kReadWrite));
//   SW_TRY(db->Control("BEGIN IMMEDIATE"));
//   SW_TRY(db->Execute("INSERT INTO t(a) VALUES (?)", {std::int64_t{1}}));
//   SW_TRY(db->Control("COMMIT"));
//
// Write-ahead log, synchronous=FULL. Statements that would end a transaction, attach a file or set
// a pragma are refused outside Control, so that a room's body cannot leave its transaction.
// One owner.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "store/catalog.h"

struct sqlite3;
struct sqlite3_stmt;

namespace sw::store {

class SqliteConnection {
 public:
  enum class Mode : std::uint8_t { kReadWrite, kReadOnly };
  static Result<std::unique_ptr<SqliteConnection>> Open(const std::string& path, Mode mode);
  ~SqliteConnection();
  SqliteConnection(const SqliteConnection&) = delete;
  SqliteConnection& operator=(const SqliteConnection&) = delete;

  Result<std::vector<SqlRow>> Query(std::string_view sql, const SqlParams& params);
  Result<std::int64_t> Execute(std::string_view sql, const SqlParams& params);  // rows changed
  Status Script(std::string_view sql);    // several statements
  Status Control(std::string_view sql);   // BEGIN, COMMIT, SAVEPOINT, PRAGMA
  // False after the disk refused: SQLite then rolls back on its own.
  bool InTransaction() const;

 private:
  SqliteConnection() = default;
  static int Authorize(void* self, int action, const char*, const char*, const char*, const char*);
  Status Configure(Mode mode);
  Result<sqlite3_stmt*> Prepare(std::string_view sql);
  Status Bind(sqlite3_stmt* statement, std::string_view sql, const SqlParams& params);
  Result<std::vector<SqlRow>> Run(sqlite3_stmt* statement, std::string_view sql);
  std::unexpected<Error> Failure(std::string_view doing) const;

  std::string path_;
  sqlite3* db_ = nullptr;
  bool control_ = false;
  std::map<std::string, sqlite3_stmt*, std::less<>> statements_;
};

}  // namespace sw::store
