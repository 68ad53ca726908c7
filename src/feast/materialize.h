// Materializer: the newest row of each entity out of a view's table into the online rows.
//
//   const auto views = SW_TRY(materializer.ViewsOf("credit", {"driver_stats"}));
//   SW_TRY(materializer.Run("credit", views, from, to));
//
// Reads the table twice: what is newest, then only those rows, a block at a time. The interval is noted in the
// registry. An entity's row online that is newer than the table's stays. Thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/result.h"
#include "feast/online_rows.h"
#include "feast/registry.h"
#include "feast/table_folders.h"

namespace sw::feast {

class Materializer {
 public:
  struct Options {
    Registry* registry = nullptr;  // as all that is pointed at, outlives it
    OnlineRows* rows = nullptr;
    const TableFolders* folders = nullptr;
    const base::Clock* clock = nullptr;
    base::IdGenerator* ids = nullptr;
    std::size_t threads = 1;  // of one table
  };
  explicit Materializer(const Options& options) : options_(options) {}

  // The views that are materialized: those named, or all that are online. NOT_FOUND; INVALID_ARGUMENT: a view that
  // is not online, or gets its rows by pushes only. UNIMPLEMENTED: an on-demand view.
  Result<std::vector<std::string>> ViewsOf(std::string_view project, const std::optional<std::vector<std::string>>& names) const;

  // From and to included, as Feast's file store reads them.
  Status Run(std::string_view project, const std::vector<std::string>& views, TimeUs from, TimeUs to);
  // From where the last one ended; the first one from one ttl, or 52 weeks, before now.
  Status RunIncremental(std::string_view project, const std::vector<std::string>& views, TimeUs to);

  // Marks the views as being materialized. Answers those that are already, and then marks none, unless forced.
  Result<std::vector<std::string>> Reserve(std::string_view project, const std::vector<std::string>& views, bool force);
  // What failed is marked so.
  Status Release(std::string_view project, const std::vector<std::string>& views);

 private:
  Status RunOne(const Project& project, const View& view, TimeUs from, TimeUs to);
  const Options options_;
};

}  // namespace sw::feast
