// RowIds: the prediction ids of a request's rows: the client's own, or the request's id with each row's number.
//
//   const RowIds ids("0198f2c0-...", 100);
//   ids[3];                                       // "0198f2c0-...-3", made when it is asked for
//
// Most are never asked for: a batch of a thousand rows has no thousand texts. Cheap to copy; immutable.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sw::serve {

class RowIds {
 public:
  RowIds() = default;
  explicit RowIds(std::vector<std::string> given)
      : rows_(given.size()), given_(std::make_shared<const std::vector<std::string>>(std::move(given))) {}
  RowIds(std::string request_id, std::size_t rows) : rows_(rows), request_id_(std::move(request_id)) {}

  std::size_t size() const { return rows_; }
  std::string operator[](std::size_t row) const { return given_ ? (*given_)[row] : request_id_ + "-" + std::to_string(row); }

 private:
  std::size_t rows_ = 0;
  std::string request_id_;
  std::shared_ptr<const std::vector<std::string>> given_;
};

}  // namespace sw::serve
