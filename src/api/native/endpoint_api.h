// EndpointApi: the OpenAPI document of one endpoint, made from its signature: what a row has, with the ranges
// and categories that the model was trained on, and how each wire asks. Pure.
#pragma once

#include <string_view>

#include "base/json.h"
#include "serve/endpoint.h"

namespace sw::native {

// OpenAPI 3.1. A column's schema has its training range or categories as "x-trained-on", and an "example".
Json EndpointApi(const serve::EndpointSnapshot& endpoint, std::string_view program_version);

}  // namespace sw::native
