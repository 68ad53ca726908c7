// RowEncoder: rows of a view's table as records of the online rows. One owner.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "data/raw_table.h"
#include "feast/entity_key.h"
#include "feast/online_rows.h"
#include "feast/project.h"
#include "store/online.h"

namespace sw::feast {

// A view's columns by their names in the table.
struct TableColumns {
  std::vector<std::string> keys;
  std::vector<std::string> features;
  std::string event;
  std::string created;  // empty: none
  std::vector<std::string> All() const;
};

class RowEncoder {
 public:
  RowEncoder(std::string_view project, const View& view, TableColumns columns);
  // INVALID_ARGUMENT names the row's column: a value does not fit the view's type.
  Result<std::vector<store::OnlineWrite>> Encode(const data::RawTable& table);

 private:
  Status AppendKey(const data::RawTable& table, std::size_t row, std::string& out);
  Status AppendFeature(const data::RawTable& table, std::size_t row, std::size_t feature);
  const std::string project_;
  const View& view_;
  const TableColumns columns_;
  const EntityKeyFormat format_;
  RowWriter writer_;
  std::vector<std::size_t> key_places_;
  std::vector<std::size_t> feature_places_;
  std::vector<KeyValue> values_;
  std::vector<std::string> scratch_;
};

}  // namespace sw::feast
