# Compiler flags of every target, in one interface library.
add_library(trimtab_flags INTERFACE)
target_compile_options(trimtab_flags INTERFACE
  -Wall -Wextra -Wshadow -Wpointer-arith -Wcast-qual -Wwrite-strings -Wstrict-prototypes -Wmissing-prototypes
  -Wundef -Wvla -Wformat=2 -Wno-format-nonliteral -Wimplicit-fallthrough
  -fno-strict-aliasing -fstack-protector-strong)
if(TRIMTAB_WERROR)
  target_compile_options(trimtab_flags INTERFACE -Werror)
endif()
if(TRIMTAB_SANITIZE)
  target_compile_options(trimtab_flags INTERFACE -fsanitize=${TRIMTAB_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(trimtab_flags INTERFACE -fsanitize=${TRIMTAB_SANITIZE})
else()
  target_compile_definitions(trimtab_flags INTERFACE $<$<CONFIG:Release>:_FORTIFY_SOURCE=3>)
endif()
include(CheckPIESupported)
check_pie_supported(LANGUAGES C)
target_link_options(trimtab_flags INTERFACE -Wl,-z,relro,-z,now -Wl,--as-needed)
