# libllama: which is asked for, what it must have, and where what links to it finds it when it runs.
#
# 0.1 is the oldest with all that trimtab calls: builds before it, which count as 0.0.NUMBER, lack llama_version and
# llama_vocab_get_suppress_tokens. docs/processors.md says which have been run. One that is too old, or lacks a function, is named here,
# with the function, rather than by the compiler. pkg-config says where it is: PKG_CONFIG_PATH=PREFIX/lib/pkgconfig leads
# to one that is installed in PREFIX.
set(LLAMA_OLDEST 0.1)
pkg_check_modules(LLAMA IMPORTED_TARGET "llama >= ${LLAMA_OLDEST}")
if(NOT LLAMA_FOUND)
  execute_process(COMMAND ${PKG_CONFIG_EXECUTABLE} --modversion llama OUTPUT_VARIABLE older OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  execute_process(COMMAND ${PKG_CONFIG_EXECUTABLE} --variable=libdir llama OUTPUT_VARIABLE where OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(older)
    message(FATAL_ERROR "libllama ${older} in ${where} is too old: trimtab needs ${LLAMA_OLDEST} or later")
  endif()
  message(FATAL_ERROR "libllama is missing: install it (Debian: libllama-dev), or say where llama.cpp is installed with "
    "PKG_CONFIG_PATH=PREFIX/lib/pkgconfig")
endif()

# The newest functions that trimtab calls: all at once, and one by one only to name those that are not there.
set(llama_calls
  llama_version llama_vocab_get_suppress_tokens llama_sampler_init_adaptive_p llama_n_ctx_seq llama_model_is_diffusion
  llama_max_parallel_sequences gguf_init_from_callback)
include(CheckSourceCompiles)
set(CMAKE_REQUIRED_LIBRARIES PkgConfig::LLAMA)
set(llama_lacks)
function(llama_has calls answer)
  list(JOIN calls ", (void *)" calls)
  check_source_compiles(C "#include <llama.h>\n#include <gguf.h>\nint main(void) { void *all[] = {(void *)${calls}}; return !all[0]; }" ${answer})
endfunction()
llama_has("${llama_calls}" LLAMA_HAS_ALL)
if(NOT LLAMA_HAS_ALL)
  foreach(call ${llama_calls})
    llama_has(${call} LLAMA_HAS_${call})
    if(NOT LLAMA_HAS_${call})
      list(APPEND llama_lacks ${call})
    endif()
    unset(LLAMA_HAS_${call} CACHE)
  endforeach()
  unset(LLAMA_HAS_ALL CACHE) # asked again next time: another libllama may be there by then
endif()
unset(CMAKE_REQUIRED_LIBRARIES)
if(LLAMA_HAS_ALL)
  message(STATUS "libllama ${LLAMA_VERSION} in ${LLAMA_LIBDIR}")
else()
  list(JOIN llama_lacks ", " llama_lacks)
  message(FATAL_ERROR "libllama ${LLAMA_VERSION} in ${LLAMA_LIBDIR} cannot be used: it lacks ${llama_lacks} "
    "(CMakeFiles/CMakeConfigureLog.yaml in the build folder says how that was found)")
endif()

# A folder that the loader does not search by itself goes into what links to it, in the build folder and installed. As DT_RPATH, which,
# unlike DT_RUNPATH, also serves the libraries' own needs: those of llama.cpp that are installed in a prefix carry no path of their own.
if(NOT LLAMA_LIBDIR IN_LIST CMAKE_C_IMPLICIT_LINK_DIRECTORIES)
  set(CMAKE_INSTALL_RPATH ${LLAMA_LIBDIR})
  add_link_options(LINKER:--disable-new-dtags)
endif()
