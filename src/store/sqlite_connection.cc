#include "store/sqlite_connection.h"

#include <sqlite3.h>

#include <climits>

#include "base/errors.h"

namespace sw::store {
namespace {

constexpr std::size_t kStatementsMax = 256;
constexpr std::size_t kValueBytesMax = 256u << 20;

ErrorCode CodeOf(int extended) {
  switch (extended) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID:
      return ErrorCode::kAlreadyExists;
    default:
      break;
  }
  switch (extended & 0xff) {
    case SQLITE_CONSTRAINT:
    case SQLITE_READONLY:
      return ErrorCode::kFailedPrecondition;
    case SQLITE_FULL:
      return ErrorCode::kResourceExhausted;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return ErrorCode::kDataLoss;
    case SQLITE_TOOBIG:
      return ErrorCode::kInvalidArgument;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_NOMEM:
      return ErrorCode::kUnavailable;
    default:
      return ErrorCode::kInternal;
  }
}

int BindValue(sqlite3_stmt* statement, int index, const SqlValue& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return sqlite3_bind_int64(statement, index, *integer);
  if (const auto* real = std::get_if<double>(&value)) return sqlite3_bind_double(statement, index, *real);
  if (const auto* text = std::get_if<std::string>(&value)) {
    return sqlite3_bind_text64(statement, index, text->data(), text->size(), SQLITE_STATIC, SQLITE_UTF8);
  }
  if (const auto* blob = std::get_if<Blob>(&value)) {
    // A null pointer would bind NULL: an empty blob is not one.
    const char* bytes = blob->bytes.empty() ? "" : blob->bytes.data();
    return sqlite3_bind_blob64(statement, index, bytes, blob->bytes.size(), SQLITE_STATIC);
  }
  return sqlite3_bind_null(statement, index);
}

std::string ColumnBytes(sqlite3_stmt* statement, int column) {
  const void* bytes = sqlite3_column_blob(statement, column);
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement, column));
  return size == 0 ? std::string() : std::string(static_cast<const char*>(bytes), size);
}

SqlValue ColumnValue(sqlite3_stmt* statement, int column) {
  switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER:
      return std::int64_t{sqlite3_column_int64(statement, column)};
    case SQLITE_FLOAT:
      return sqlite3_column_double(statement, column);
    case SQLITE_TEXT:
      return ColumnBytes(statement, column);
    case SQLITE_BLOB:
      return Blob{ColumnBytes(statement, column)};
    default:
      return std::monostate{};
  }
}

// Ends a statement's use however its function is left: a statement left open pins its snapshot.
struct ResetAtEnd {
  sqlite3_stmt* statement;
  ~ResetAtEnd() {
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
  }
};

}  // namespace

Result<std::unique_ptr<SqliteConnection>> SqliteConnection::Open(const std::string& path, Mode mode) {
  std::unique_ptr<SqliteConnection> connection(new SqliteConnection());
  connection->path_ = path;
  const int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
                    (mode == Mode::kReadOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
  if (sqlite3_open_v2(path.c_str(), &connection->db_, flags, nullptr) != SQLITE_OK) {
    return connection->Failure("opening it");
  }
  SW_TRY(connection->Configure(mode));
  return connection;
}

SqliteConnection::~SqliteConnection() {
  for (const auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  sqlite3_close(db_);
}

Status SqliteConnection::Configure(Mode mode) {
  sqlite3_busy_timeout(db_, 10'000);
  sqlite3_limit(db_, SQLITE_LIMIT_LENGTH, static_cast<int>(kValueBytesMax));
  // "name" in double quotes is an identifier in PostgreSQL, never a string.
  sqlite3_db_config(db_, SQLITE_DBCONFIG_DQS_DML, 0, nullptr);
  sqlite3_db_config(db_, SQLITE_DBCONFIG_DQS_DDL, 0, nullptr);
  sqlite3_db_config(db_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  SW_TRY(Control("PRAGMA trusted_schema=OFF"));
  SW_TRY(Control("PRAGMA foreign_keys=ON"));
  if (mode == Mode::kReadWrite) {
    SW_TRY(Control("PRAGMA synchronous=FULL"));
    SW_TRY(Control("PRAGMA journal_mode=WAL"));
  }
  sqlite3_set_authorizer(db_, &SqliteConnection::Authorize, this);
  return Ok();
}

int SqliteConnection::Authorize(void* self, int action, const char*, const char*, const char*, const char*) {
  if (static_cast<SqliteConnection*>(self)->control_) return SQLITE_OK;
  switch (action) {
    case SQLITE_TRANSACTION:
    case SQLITE_SAVEPOINT:
    case SQLITE_ATTACH:
    case SQLITE_DETACH:
    case SQLITE_PRAGMA:
      return SQLITE_DENY;
    default:
      return SQLITE_OK;
  }
}

Result<sqlite3_stmt*> SqliteConnection::Prepare(std::string_view sql) {
  if (const auto found = statements_.find(sql); found != statements_.end()) return found->second;
  if (sql.size() > static_cast<std::size_t>(INT_MAX)) return InvalidArgument("SQL of {} bytes is too long", sql.size());
  sqlite3_stmt* statement = nullptr;
  const char* tail = nullptr;
  if (sqlite3_prepare_v3(db_, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &statement,
                         &tail) != SQLITE_OK) {
    return Failure(sql);
  }
  const std::string_view rest = sql.substr(static_cast<std::size_t>(tail - sql.data()));
  if (statement == nullptr || rest.find_first_not_of(" \t\r\n;") != std::string_view::npos) {
    sqlite3_finalize(statement);
    return Internal("one statement was expected, not: {}", sql);
  }
  if (statements_.size() >= kStatementsMax) {
    for (const auto& [text, old] : statements_) sqlite3_finalize(old);
    statements_.clear();
  }
  statements_.emplace(std::string(sql), statement);
  return statement;
}

Status SqliteConnection::Bind(sqlite3_stmt* statement, std::string_view sql, const SqlParams& params) {
  const int wanted = sqlite3_bind_parameter_count(statement);
  if (params.size() != static_cast<std::size_t>(wanted)) {
    return Internal("{} parameters given, {} wanted by: {}", params.size(), wanted, sql);
  }
  for (int i = 0; i < wanted; ++i) {
    if (BindValue(statement, i + 1, params[static_cast<std::size_t>(i)]) != SQLITE_OK) return Failure(sql);
  }
  return Ok();
}

Result<std::vector<SqlRow>> SqliteConnection::Run(sqlite3_stmt* statement, std::string_view sql) {
  std::vector<SqlRow> rows;
  while (true) {
    const int code = sqlite3_step(statement);
    if (code == SQLITE_DONE) return rows;
    if (code != SQLITE_ROW) return Failure(sql);
    std::vector<SqlValue> values;
    const int columns = sqlite3_column_count(statement);
    values.reserve(static_cast<std::size_t>(columns));
    for (int i = 0; i < columns; ++i) values.push_back(ColumnValue(statement, i));
    rows.emplace_back(std::move(values));
  }
}

Result<std::vector<SqlRow>> SqliteConnection::Query(std::string_view sql, const SqlParams& params) {
  sqlite3_stmt* statement = SW_TRY(Prepare(sql));
  const ResetAtEnd reset{statement};
  SW_TRY(Bind(statement, sql, params));
  return Run(statement, sql);
}

Result<std::int64_t> SqliteConnection::Execute(std::string_view sql, const SqlParams& params) {
  const std::int64_t before = sqlite3_total_changes64(db_);
  SW_TRY(Query(sql, params));
  // Not sqlite3_changes: that keeps the count of an earlier statement after one that changes no rows.
  return sqlite3_total_changes64(db_) == before ? 0 : sqlite3_changes64(db_);
}

Status SqliteConnection::Script(std::string_view sql) {
  const std::string text(sql);
  if (sqlite3_exec(db_, text.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) return Failure(sql);
  return Ok();
}

Status SqliteConnection::Control(std::string_view sql) {
  control_ = true;
  Status status = Script(sql);
  control_ = false;
  return status;
}

bool SqliteConnection::InTransaction() const { return sqlite3_get_autocommit(db_) == 0; }

std::unexpected<Error> SqliteConnection::Failure(std::string_view doing) const {
  if (db_ == nullptr) return Unavailable("catalog {}: out of memory", path_);
  const int extended = sqlite3_extended_errcode(db_);
  // SQLite keeps no errno of a file that it could not create.
  const std::string_view hint =
      (extended & 0xff) == SQLITE_CANTOPEN ? "; check the folder's permissions and the free space on the disk" : "";
  return base::MakeError(CodeOf(extended), fmt::format("catalog {}: {} ({}){}", path_, sqlite3_errmsg(db_), doing, hint));
}

}  // namespace sw::store
