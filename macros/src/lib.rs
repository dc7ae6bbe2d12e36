//! The attributes of skep. Use them through the facade: `#[skep::swarm_test]`.

use proc_macro::TokenStream;
use quote::quote;
use syn::spanned::Spanned;
use syn::{Error, FnArg, ItemFn, LitInt, Token};

/// A test that runs its body once for each seed, each time in a fresh simulated world: one thread and a paused clock.
///
/// The function is async, takes the `Lab` of its seed, and returns a `TestResult` or nothing. `seeds = 64` sets how many
/// seeds an ordinary run takes; the default is 16.
///
/// A failure says what broke, the seed, the plan shrunk to what matters, what happened there, and the folder that has all of
/// it. `SKEP_SEED=7` runs that seed alone, `SKEP_SEEDS=1000` or `SKEP_SEEDS=x10` as many, `SKEP_SEED_FROM=4000` begins there;
/// `SKEP_PLAN=<folder>/plan.json` runs the failure again. A seed that failed is put into `tests/lab-seeds/<test>.txt` of the
/// package and is run first from then on: commit that file.
#[proc_macro_attribute]
pub fn swarm_test(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand(arguments, item).unwrap_or_else(|error| error.to_compile_error().into())
}

fn expand(arguments: TokenStream, item: TokenStream) -> Result<TokenStream, Error> {
    let seeds = seeds(arguments)?;
    let test: ItemFn = syn::parse(item)?;
    let wrong = |what: &str| Err(Error::new(test.sig.span(), what));
    if test.sig.asyncness.is_none() {
        return wrong("a swarm test is `async fn name(lab: Lab) -> TestResult`: it must be async");
    }
    if test.sig.inputs.len() != 1 || matches!(test.sig.inputs.first(), Some(FnArg::Receiver(_))) {
        return wrong(
            "a swarm test is `async fn name(lab: Lab) -> TestResult`: it takes the lab and nothing else",
        );
    }
    let ItemFn { attrs, sig, block, .. } = &test;
    let name = &sig.ident;
    Ok(quote! {
        #(#attrs)*
        #[test]
        fn #name() {
            #sig #block
            ::skep::testkit::Test {
                name: concat!(module_path!(), "::", stringify!(#name)),
                package: env!("CARGO_MANIFEST_DIR"),
            }
            .run(#seeds, #name);
        }
    }
    .into())
}

fn seeds(arguments: TokenStream) -> Result<u64, Error> {
    if arguments.is_empty() {
        return Ok(16);
    }
    let read = |input: syn::parse::ParseStream<'_>| {
        let word: syn::Ident = input.parse()?;
        if word != "seeds" {
            return Err(Error::new(word.span(), "the only argument is `seeds = <how many>`"));
        }
        input.parse::<Token![=]>()?;
        input.parse::<LitInt>()
    };
    let number = syn::parse::Parser::parse(read, arguments)?;
    match number.base10_parse::<u64>()? {
        0 => Err(Error::new(number.span(), "no seed would run; give at least 1")),
        seeds => Ok(seeds),
    }
}
