// SageMaker's runtime: what boto3's client of `sagemaker-runtime` posts.
//
//   POST /endpoints/late/invocations   text/csv without a header, JSON, JSON lines, libsvm, RecordIO-protobuf
//
// InferenceId becomes the prediction's id, which labels are told by; TargetVariant is a version. Pure;
// what the handlers do is the endpoints'.
#pragma once

#include <vector>

#include "net/router.h"
#include "serve/endpoints.h"

namespace sw::sagemaker {

// `endpoints` outlives the routes.
std::vector<net::Route> SagemakerRoutes(serve::Endpoints* endpoints);

}  // namespace sw::sagemaker
