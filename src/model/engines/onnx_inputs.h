// OnnxInputs: which columns an ONNX model's inputs are, and rows of them as its tensors. Internal to the
// ONNX engine, whose header says what a column is called. Immutable.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "data/batch.h"
#include "model/engines/onnx_session.h"
#include "model/formats/onnx.h"

namespace sw::model {

inline constexpr std::size_t kOnnxColumnsMax = 1 << 16;
inline constexpr std::size_t kOnnxRowsARun = 4096;  // bounds what the model's layers hold at once

class OnnxInputs {
 public:
  // An input of the session: `count` columns, from `first` on.
  struct Tensor {
    OnnxValue::Element element;
    bool is_matrix;  // [N, count] rather than [N]
    std::size_t first, count;
  };

  // INVALID_ARGUMENT names the input that is not read, or says that names do not fit.
  static Result<OnnxInputs> Make(const std::vector<OnnxValue>& inputs, const OnnxOutline& outline,
                                 const std::vector<std::string>& given_names);

  const std::vector<std::string>& columns() const { return columns_; }
  std::size_t rows_a_run() const { return rows_a_run_; }  // 1 for a model of one row

  // The batch's columns in the order of columns(). NOT_FOUND names an absent one, INVALID_ARGUMENT one
  // of a type that the model does not read.
  Result<std::vector<const data::Column*>> Find(const data::Batch& rows) const;
  // The rows' tensors, in the order of the inputs. INVALID_ARGUMENT names column and row of a value
  // that the input's type does not hold.
  Result<std::vector<OnnxTensor>> Tensors(const std::vector<const data::Column*>& columns,
                                          std::size_t from, std::size_t count) const;
  // One row of zeros and empty texts.
  Result<std::vector<OnnxTensor>> Zeros() const;

 private:
  std::vector<std::string> columns_;
  std::vector<Tensor> tensors_;
  std::size_t rows_a_run_ = kOnnxRowsARun;
};

}  // namespace sw::model
